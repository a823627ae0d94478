"""X2Face: a face resampled twice, once into an embedded face and once into the driving pose."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="x2face",
    summary="resamples the source into an embedded face, and that into the driving pose; paints nothing of its own",
    animator="lia_bench.models.x2face.animator:X2FaceAnimator",
    configuration="lia_bench.models.x2face.configuration:X2FaceConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.x2face.recipe:X2FaceRecipe",
    authors_checkpoint="lia_bench.models.x2face.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute",),
)
