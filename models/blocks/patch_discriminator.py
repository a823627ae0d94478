"""Discriminator on patches, whose inner maps serve feature matching."""

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


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
