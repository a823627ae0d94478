"""Monkey-Net: moving keypoints with covariances, learned without labels."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="monkeynet",
    summary="Monkey-Net: keypoints with covariances, dense motion, a U-Net whose skips are warped",
    animator="lia_bench.models.monkeynet.animator:MonkeyNetAnimator",
    configuration="lia_bench.models.monkeynet.configuration:MonkeyNetConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox",
    recipe="lia_bench.models.monkeynet.recipe:MonkeyNetRecipe",
    authors_checkpoint="lia_bench.models.monkeynet.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "relative_adapted"),
)
