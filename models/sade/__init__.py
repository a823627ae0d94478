"""SADE: keypoint motion evolved by a differential equation, self-appearance flow, and several views of the subject."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="sade",
    summary="motion evolved by a neural differential equation; fuses the source with any number of reference views",
    animator="lia_bench.models.sade.animator:SadeAnimator",
    configuration="lia_bench.models.sade.configuration:SadeConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.sade.recipe:SadeRecipe",
    ablations=Path(__file__).parent / "ablations.yaml",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "relative", "relative_adapted"),
)
