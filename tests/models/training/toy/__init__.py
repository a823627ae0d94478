"""A model of a few hundred weights that plugs in by entry point, to try the trainer on."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="toy",
    summary="two convolutions",
    animator="tests.models.training.toy.network:ToyAnimator",
    configuration="tests.models.training.toy.network:ToyConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="tiny",
    recipe="tests.models.training.toy.network:ToyRecipe",
)
