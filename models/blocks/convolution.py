"""The convolution blocks that the keypoint models are made of, for maps (B, C, H, W) and for volumes (B, C, D, H, W).

Those for maps normalise with batch norm, PyTorch's defaults, unless `normalisation` makes another layer from a width.
Those for volumes never halve or double the depth. Frames shrink through a Gaussian, to an image pyramid if need be.
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


KEEPING_DEPTH = (1, 2, 2)


class VolumeConvolutionBlock(nn.Module):
    """Convolution that keeps the size, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.normalisation = nn.BatchNorm3d(outputs)

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H, W)."""
        return F.relu(self.normalisation(self.convolution(volume)), inplace=True)


class VolumeDownBlock(VolumeConvolutionBlock):
    """Convolution block, then average pooling of height and width by 2."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H / 2, W / 2)."""
        return F.avg_pool3d(super().forward(volume), KEEPING_DEPTH)


class VolumeUpBlock(VolumeConvolutionBlock):
    """Nearest up-sampling of height and width by 2, then a convolution block."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, 2 H, 2 W)."""
        return super().forward(F.interpolate(volume, scale_factor=KEEPING_DEPTH))


class VolumeResidualBlock(nn.Module):
    """Pre-activation residual block: twice batch norm, ReLU, 3x3x3 convolution; plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalisation1 = nn.BatchNorm3d(channels)
        self.convolution1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.normalisation2 = nn.BatchNorm3d(channels)
        self.convolution2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, volume: Tensor) -> Tensor:
        """(B, channels, D, H, W), shape kept."""
        change: Tensor = self.convolution1(F.relu(self.normalisation1(volume), inplace=True))
        change = self.convolution2(F.relu(self.normalisation2(change), inplace=True))
        return volume + change


def gaussian_kernel(scale: float) -> Tensor:
    """Square kernel (n, n) of sum 1 for shrinking by `scale` < 1: sigma (1/scale - 1) / 2, n = 2 round(4 sigma) + 1."""
    sigma = (1 / scale - 1) / 2
    radius = round(4 * sigma)
    distance = torch.arange(-radius, radius + 1, dtype=torch.float32)
    line = torch.exp(-(distance**2) / (2 * sigma**2))
    kernel = torch.outer(line, line)
    return kernel / kernel.sum()


class AntiAliasDownsample(nn.Module):
    """Blur each channel, then take every (1/scale)-th pixel from the first on (FOMM's input scaling).

    Zero padding of half the taps; the buffer `weight` (C, 1, n, n) is part of the authors' state dicts.
    """

    weight: Tensor

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        if scale != 1:
            kernel = gaussian_kernel(scale)
            self.register_buffer("weight", kernel.expand(channels, 1, *kernel.shape).clone())

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, ceil(H scale), ceil(W scale))."""
        if self.scale == 1:
            return image
        step = round(1 / self.scale)
        return F.conv2d(image, self.weight, stride=step, padding=self.weight.shape[-1] // 2, groups=image.shape[1])


class ImagePyramid(nn.Module):
    """An image at several scales, each made from the full size."""

    def __init__(self, scales: Sequence[float], channels: int = 3) -> None:
        super().__init__()
        self.levels = nn.ModuleList(AntiAliasDownsample(channels, scale) for scale in scales)

    def forward(self, image: Tensor) -> list[Tensor]:
        """One tensor a scale, in the order given."""
        return [level(image) for level in self.levels]
