"""What a generator learns from a discriminator."""

from collections.abc import Callable

import torch
from torch import Tensor

from lia_bench.models.blocks.configuration import AdversarialWeights
from lia_bench.models.blocks.least_squares import feature_matching
from lia_bench.models.training.recipe import Network


def judged(
    discriminator: Network,
    generated: Tensor,
    real: Tensor,
    weights: AdversarialWeights,
    adversarial: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """Weighted losses "adversarial" and, where it has a weight, "feature_matching" of generated frames.

    No gradient reaches the discriminator or what it is shown of real frames.

    Args:
        generated: what the discriminator is shown of them, (B, C, H, W); `real` likewise.
        adversarial: the loss of a map of scores.
    """
    with discriminator.frozen():
        maps, score = discriminator(generated)
        losses = {"adversarial": weights.adversarial * adversarial(score)}
        if weights.feature_matching:
            with torch.no_grad():
                real_maps, _ = discriminator(real)
            losses["feature_matching"] = weights.feature_matching * feature_matching(maps, real_maps).sum()
    return losses
