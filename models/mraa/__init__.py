"""MRAA, Motion Representations for Articulated Animation: regions with principal axes, and a moving background."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="mraa",
    summary="regions whose principal axes give their motions, a background of its own, disentangled shape and pose",
    animator="lia_bench.models.mraa.animator:MraaAnimator",
    configuration="lia_bench.models.mraa.configuration:MraaConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.mraa.recipe:MraaRecipe",
    authors_checkpoint="lia_bench.models.mraa.authors_checkpoint",
    ablations=Path(__file__).parent / "ablations.yaml",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "avd", "reconstruction"),
)
