"""Non-saturating adversarial losses (Goodfellow et al. 2014) and the R1 penalty (Mescheder et al. 2018)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def generator_loss(fake: Tensor) -> Tensor:
    """-log D(fake), mean over scores (B, 1) that are logits."""
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), each a mean over scores (B, 1) that are logits."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def r1_penalty(images: Tensor, scores: Tensor) -> Tensor:
    """Squared norm of the gradient of `scores` (B, 1) by real `images` (B, C, H, W), mean over the batch.

    `images` must require gradients and have been in the graph when `scores` were computed.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
