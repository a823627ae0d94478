"""LivePortrait: implicit 3D keypoints from one network, a warped volume, stitching and retargeting."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="liveportrait",
    summary="LivePortrait: implicit 3D keypoints from one network, a warped volume, stitching and retargeting",
    animator="lia_bench.models.liveportrait.animator:LivePortraitAnimator",
    configuration="lia_bench.models.liveportrait.configuration:LivePortraitConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="512",
    recipe="lia_bench.models.liveportrait.recipe:recipe_of",
    authors_checkpoint="lia_bench.models.liveportrait.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("relative", "absolute", "absolute_paper", "from_neutral"),
)
