"""StyleGAN2's residual discriminator, as LIA was trained against."""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, ActivatedLinear, EqualisedLinear, ResidualDown
from lia_bench.models.lia.configuration import LiaModel

GROUP = 4


class Discriminator(nn.Module):
    """Residual blocks down to 4x4, the minibatch's deviation as one more channel, and two linear layers."""

    def __init__(self, configuration: LiaModel) -> None:
        super().__init__()
        channels = configuration.channels
        self.stem = ActivatedConvolution(3, channels(configuration.size), 1)
        self.blocks = nn.Sequential(
            *(
                ResidualDown(channels(resolution), channels(resolution // 2))
                for resolution in reversed(configuration.resolutions)
            )
        )
        self.last = ActivatedConvolution(channels(4) + 1, channels(4), 3, padding=1)
        self.hidden = ActivatedLinear(channels(4) * 16, channels(4))
        self.score = EqualisedLinear(channels(4), 1)

    def forward(self, image: Tensor) -> Tensor:
        """Images (B, 3, size, size) in [-1, 1] to logits (B, 1), high where they look real."""
        feature = self.blocks(self.stem(image))
        feature = torch.cat((feature, minibatch_deviation(feature)), dim=1)
        score: Tensor = self.score(self.hidden(self.last(feature).flatten(1)))
        return score


def minibatch_deviation(feature: Tensor) -> Tensor:
    """Standard deviation within groups of the batch, averaged to a number a group: (B, 1, H, W).

    Groups have four members, or the largest number below that divides the batch.
    """
    count, _, height, width = feature.shape
    group = next(size for size in range(min(GROUP, count), 0, -1) if count % size == 0)
    members = feature.float().reshape(group, count // group, *feature.shape[1:])
    deviation = (members.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    return deviation.repeat(group)[:, None, None, None].expand(-1, 1, height, width).to(feature.dtype)
