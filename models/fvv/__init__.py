"""face-vid2vid, as re-implemented and published: 3D keypoints, turned by a head pose and moved by an expression."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="fvv",
    summary="face-vid2vid (re-implementation): canonical 3D keypoints, head pose and expression, a warped volume",
    animator="lia_bench.models.fvv.animator:FvvAnimator",
    configuration="lia_bench.models.fvv.configuration:FvvConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.fvv.recipe:FvvRecipe",
    authors_checkpoint="lia_bench.models.fvv.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "relative_no_adapt", "free_view"),
)
