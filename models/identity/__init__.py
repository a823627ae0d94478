"""Puts out the source frame whatever the driving video does: the floor that every model has to beat."""

from pathlib import Path

from lia_bench.models.specification import ModelSpecification

SPECIFICATION = ModelSpecification(
    name="identity",
    summary="puts out the source frame: the floor every trained model has to beat",
    animator="lia_bench.models.identity.animator:IdentityAnimator",
    configuration="lia_bench.models.identity.animator:IdentityConfiguration",
    variants=None,
    default_variant="",
    card=Path(__file__).parent / "card.yaml",
)
