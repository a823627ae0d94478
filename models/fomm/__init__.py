"""First Order Motion Model: keypoints with local affine motions, learned without labels."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="fomm",
    summary="First Order Motion Model: keypoints with Jacobians, dense motion, occlusion-aware generator",
    animator="lia_bench.models.fomm.animator:FommAnimator",
    configuration="lia_bench.models.fomm.configuration:FommConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.fomm.recipe:FommRecipe",
    authors_checkpoint="lia_bench.models.fomm.authors_checkpoint",
    ablations=Path(__file__).parent / "ablations.yaml",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "relative_adapted"),
)
