"""LIA, the Latent Image Animator: motion as a walk along learned orthogonal directions of a latent space."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="lia",
    summary="moves a latent code along learned orthogonal motion directions; no keypoints",
    animator="lia_bench.models.lia.animator:LiaAnimator",
    configuration="lia_bench.models.lia.configuration:LiaConfiguration",
    variants=Path(__file__).parent / "variants",
    default_variant="vox-256",
    recipe="lia_bench.models.lia.recipe:LiaRecipe",
    authors_checkpoint="lia_bench.models.lia.authors_checkpoint",
    card=Path(__file__).parent / "card.yaml",
)
