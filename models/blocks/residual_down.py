"""The residual block that halves a feature map (StyleGAN2's discriminator, LIA's encoder)."""

import math

from torch import Tensor, nn

from lia_bench.models.blocks.blur import Blur
from lia_bench.models.blocks.equalised import ActivatedConvolution, EqualisedConvolution


class ResidualDown(nn.Module):
    """3x3 convolution, then blur and 3x3 of stride 2, beside a shortcut of blur and 1x1; the sum over sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = ActivatedConvolution(in_channels, in_channels, 3, padding=1)
        self.blur = Blur(padding=2)
        self.second = ActivatedConvolution(in_channels, out_channels, 3, stride=2)
        # The 1x1 convolution sees every second pixel, so the blur computes no others.
        self.shortcut_blur = Blur(padding=1, stride=2)
        self.shortcut = EqualisedConvolution(in_channels, out_channels, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 2, W / 2)."""
        main = self.second(self.blur(self.first(feature)))
        total: Tensor = main + self.shortcut(self.shortcut_blur(feature))
        return total / math.sqrt(2)
