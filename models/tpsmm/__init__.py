"""Thin-Plate Spline Motion Model: groups of keypoints span splines, learned without labels."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="tpsmm",
    summary="Thin-Plate Spline Motion Model: ten splines of five keypoints each, occlusion masks at every resolution",
    animator="lia_bench.models.tpsmm.animator:TpsmmAnimator",
    configuration="lia_bench.models.tpsmm.configuration:TpsmmConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.tpsmm.recipe:TpsmmRecipe",
    authors_checkpoint="lia_bench.models.tpsmm.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "avd", "reconstruction"),
)
