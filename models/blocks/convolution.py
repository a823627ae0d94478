"""The convolution blocks that the keypoint models are made of.

Each normalises with batch norm, PyTorch's defaults, unless `normalisation` makes another layer from a width.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Normalisation = Callable[[int], nn.Module]
# With a scale and a shift to learn, unlike PyTorch's default.
AFFINE_INSTANCE_NORM: Normalisation = partial(nn.InstanceNorm2d, affine=True)


class ConvolutionBlock(nn.Module):
    """Convolution that keeps the size, normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int = 3, normalisation: Normalisation = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.normalisation = normalisation(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return F.relu(self.normalisation(self.convolution(features)), inplace=True)


class DownBlock(ConvolutionBlock):
    """Convolution block, then 2x2 average pooling."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / 2, W / 2)."""
        return F.avg_pool2d(super().forward(features), 2)


class UpBlock(ConvolutionBlock):
    """Nearest up-sampling by 2, then a convolution block."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, 2 H, 2 W)."""
        return super().forward(F.interpolate(features, scale_factor=2))


def convolve_together(features: Tensor, convolutions: Sequence[nn.Conv2d]) -> tuple[Tensor, ...]:
    """The outputs of convolutions of one kernel size and padding for the same features (B, C, H, W).

    As one convolution, since many channels in and one or few out are slow each on their own.
    """
    weight = torch.cat([convolution.weight for convolution in convolutions])
    bias = torch.cat([convolution.bias for convolution in convolutions if convolution.bias is not None])
    joint = F.conv2d(features, weight, bias, padding=convolutions[0].padding)
    outputs: tuple[Tensor, ...] = joint.split([convolution.out_channels for convolution in convolutions], dim=1)
    return outputs


class ResidualBlock(nn.Module):
    """Pre-activation residual block: twice normalisation, ReLU, 3x3 convolution; plus the input."""

    def __init__(self, channels: int, normalisation: Normalisation = nn.BatchNorm2d) -> None:
        super().__init__()
        self.normalisation1 = normalisation(channels)
        self.convolution1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.normalisation2 = normalisation(channels)
        self.convolution2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept."""
        change: Tensor = self.convolution1(F.relu(self.normalisation1(features), inplace=True))
        change = self.convolution2(F.relu(self.normalisation2(change), inplace=True))
        return features + change
