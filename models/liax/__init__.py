"""LIA-X: LIA made larger, with a sparse dictionary whose directions have names."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="liax",
    summary="LIA-X: a larger LIA with sparse magnitudes, so that single motion directions can be edited",
    animator="lia_bench.models.liax.animator:LiaxAnimator",
    configuration="lia_bench.models.liax.configuration:LiaxConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="512",
    recipe="lia_bench.models.liax.recipe:LiaxRecipe",
    authors_checkpoint="lia_bench.models.liax.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("relative", "absolute"),
)
