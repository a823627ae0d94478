"""An image to a latent code, features for the decoder to warp, and magnitudes along the motion directions."""

import math

from torch import Tensor, nn

from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, Blur, EqualisedConvolution
from lia_bench.models.liax.configuration import LiaxModel


class WideningDown(nn.Module):
    """As LIA's halving block, but it is the first of the two 3x3 convolutions that changes the width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = ActivatedConvolution(in_channels, out_channels, 3, padding=1)
        self.blur = Blur(padding=2)
        self.second = ActivatedConvolution(out_channels, out_channels, 3, stride=2)
        # The 1x1 convolution sees every second pixel, so the blur computes no others.
        self.shortcut_blur = Blur(padding=1, stride=2)
        self.shortcut = EqualisedConvolution(in_channels, out_channels, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 2, W / 2)."""
        main = self.second(self.blur(self.first(feature)))
        total: Tensor = main + self.shortcut(self.shortcut_blur(feature))
        return total / math.sqrt(2)


class Encoder(nn.Module):
    """Convolutions from the image's size down to a code, keeping every map of 8x8 and above."""

    def __init__(self, configuration: LiaxModel) -> None:
        super().__init__()
        channels = configuration.channels
        self.stem = ActivatedConvolution(3, channels(configuration.size), 1)
        self.blocks = nn.ModuleList(
            WideningDown(channels(resolution), channels(resolution // 2))
            for resolution in reversed(configuration.resolutions)
        )
        self.head = EqualisedConvolution(channels(4), configuration.latent_dim, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (B, 3, size, size) in [-1, 1] to codes (B, latent_dim) and maps from 8x8 up to the full size."""
        feature = self.stem(image)
        pyramid = []
        for block in self.blocks:
            pyramid.append(feature)
            feature = block(feature)
        return self.head(feature).flatten(1), pyramid[::-1]
