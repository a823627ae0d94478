"""Adversarial losses, the discriminator on patches, and what a generator learns from one.

Non-saturating losses (Goodfellow et al. 2014) with the R1 penalty (Mescheder et al. 2018), least squares (Mao et al.
2017), and hinge losses.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from lia_bench.models.training.recipe import Network


class DiscriminatorBlock(nn.Module):
    """4x4 convolution without padding, instance norm (unless first), leaky ReLU 0.2, perhaps 2x2 pooling."""

    def __init__(self, inputs: int, outputs: int, *, normalised: bool, pooled: bool, spectral: bool) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, outputs, 4, spectral)
        self.normalisation = nn.InstanceNorm2d(outputs, affine=True) if normalised else nn.Identity()
        self.pooled = pooled

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H - 3, W - 3), halved where pooled."""
        features = F.leaky_relu(self.normalisation(self.convolution(features)), 0.2)
        return F.avg_pool2d(features, 2) if self.pooled else features


class PatchDiscriminator(nn.Module):
    """Blocks of widths min(cap, expansion * 2^(i + 1)), then a 1x1 convolution to a map of scores."""

    def __init__(
        self, inputs: int, expansion: int, cap: int, blocks: int, spectral: bool, *, pooled_last: bool = False
    ) -> None:
        """`spectral`: spectral norm on every convolution. `pooled_last`: the last block pools like the others."""
        super().__init__()
        widths = [inputs, *(min(cap, expansion * 2 ** (index + 1)) for index in range(blocks))]
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(
                widths[index],
                widths[index + 1],
                normalised=index > 0,
                pooled=pooled_last or index < blocks - 1,
                spectral=spectral,
            )
            for index in range(blocks)
        )
        self.score = _convolution(widths[-1], 1, 1, spectral)

    def forward(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """The blocks' outputs and the map of scores (B, 1, h, w) of (B, inputs, H, W).

        256 pixels give 26 scores along a side with four blocks of which the last does not pool, else 13.
        """
        maps = []
        features = image
        for block in self.blocks:
            features = block(features)
            maps.append(features)
        return maps, self.score(features)


def _convolution(inputs: int, outputs: int, kernel_size: int, spectral: bool) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, kernel_size)
    return spectral_norm(convolution) if spectral else convolution


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log D(fake), mean over scores (B, 1) that are logits."""
    return F.softplus(-fake).mean()


def non_saturating_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(real) - log(1 - D(fake)), each a mean over scores (B, 1) that are logits."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def r1_penalty(images: Tensor, scores: Tensor) -> Tensor:
    """Squared norm of the gradient of `scores` (B, 1) by real `images` (B, C, H, W), mean over the batch.

    `images` must require gradients and have been in the graph when `scores` were computed.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def least_squares_generator(generated: Tensor) -> Tensor:
    """Mean (1 - D)^2 over the scores (B, 1, h, w) of generated frames."""
    return ((1 - generated.float()) ** 2).mean()


def least_squares_discriminator(real: Tensor, generated: Tensor) -> Tensor:
    """Mean (1 - D(real))^2 + D(generated)^2 over scores (B, 1, h, w)."""
    return ((1 - real.float()) ** 2 + generated.float() ** 2).mean()


def feature_matching(generated: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of each of a discriminator's inner maps, (blocks,)."""
    return torch.stack([F.l1_loss(one, other) for one, other in zip(generated, real, strict=True)])


def hinge_generator(score: Tensor) -> Tensor:
    """Hinge loss of a generator whose frames the discriminator scored: -mean D."""
    return -score.float().mean()


def hinge_discriminator(real: Tensor, generated: Tensor) -> Tensor:
    """Hinge loss of the discriminator: mean max(0, 1 - D(real)) + mean max(0, 1 + D(generated))."""
    return F.relu(1 - real.float()).mean() + F.relu(1 + generated.float()).mean()


class JudgementWeights(Protocol):
    """A section of losses, as far as a discriminator is concerned."""

    @property
    def adversarial(self) -> float: ...

    @property
    def feature_matching(self) -> float: ...


def judged(
    discriminator: Network,
    generated: Tensor,
    real: Tensor,
    weights: JudgementWeights,
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
