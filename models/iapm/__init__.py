"""Image Animation with Perturbed Masks: a mask carries the pose, and its perturbation strips the driving identity."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="iapm",
    summary="Image Animation with Perturbed Masks: pose as a mask, perturbed and refined, then painted coarse to fine",
    animator="lia_bench.models.iapm.animator:IapmAnimator",
    configuration="lia_bench.models.iapm.configuration:IapmConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.iapm.recipe:IapmRecipe",
    authors_checkpoint="lia_bench.models.iapm.authors_checkpoint",
    ablations=Path(__file__).parent / "ablations.yaml",
    card=Path(__file__).parent / "card.yaml",
    transfer_modes=("absolute", "reconstruction"),
)
