"""Least-squares adversarial losses (Mao et al. 2017), and the feature matching that goes with them."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(generated: Tensor) -> Tensor:
    """Mean (1 - D)^2 over the scores (B, 1, h, w) of generated frames."""
    return ((1 - generated.float()) ** 2).mean()


def discriminator_loss(real: Tensor, generated: Tensor) -> Tensor:
    """Mean (1 - D(real))^2 + D(generated)^2 over scores (B, 1, h, w)."""
    return ((1 - real.float()) ** 2 + generated.float() ** 2).mean()


def feature_matching(generated: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of each of a discriminator's inner maps, (blocks,)."""
    return torch.stack([F.l1_loss(one, other) for one, other in zip(generated, real, strict=True)])
