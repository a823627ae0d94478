"""What lia-bench lists of the model; torch is imported with `blending`, when the model is used."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="theirs",
    summary="blends source and driving frame by one learned share",
    animator="theirs.blending:Blend",
    configuration="theirs.blending:BlendConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="demo-64",
    recipe="theirs.blending:BlendRecipe",
)
