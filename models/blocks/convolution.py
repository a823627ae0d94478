"""The convolution blocks that the keypoint models are made of, for maps (B, C, H, W) and for volumes (B, C, D, H, W).

Those for maps normalise with batch norm, PyTorch's defaults, unless `normalisation` makes another layer from a width.
Those for volumes never halve or double the depth. Frames shrink through a Gaussian, to an image pyramid if need be.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.standing_weights import made_once, weights_stand
from lia_bench.models.blocks.winograd import convolve

Normalisation = Callable[[int], nn.Module]


class InstanceNorm(nn.InstanceNorm2d):
    """torch's own; while weights stand still, maps that lie channels last stay so, where torch's would copy them."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W), shape kept."""
        if not (weights_stand(features) and features.is_contiguous(memory_format=torch.channels_last)):
            return super().forward(features)
        # Without a mean the variance is exact enough, as batch norm finds it.
        centred = features - features.mean((2, 3), keepdim=True)
        each = (F.batch_norm(one, None, None, self.weight, self.bias, True, 0.0, self.eps) for one in centred.split(1))
        return torch.cat(list(each)) if len(features) > 1 else next(each)


# With a scale and a shift to learn, unlike PyTorch's default.
AFFINE_INSTANCE_NORM: Normalisation = partial(InstanceNorm, affine=True)


class Convolution(nn.Conv2d):
    """torch's own; of weights that stand still, one that keeps the size goes the way of the fewest multiplications."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        side = self.kernel_size[0]
        keeps_size = self.kernel_size == (side, side) and self.padding == (side // 2, side // 2) and side % 2
        if keeps_size and self.stride == self.dilation == (1, 1) and self.groups == 1:
            # A map has to be as wide as its columns are shifted.
            few = side > 1 and self.out_channels <= FEW and features.shape[3] >= side // 2
            if few and weights_stand(features):
                return _convolve_to_few(self, features)
            if side == 3:
                return convolve(self, features, self.weight, self.bias)
        return super().forward(features)


class VolumeConvolution(nn.Conv3d):
    """torch's own, but for 3x3x3 that keeps the size, which goes the faster way while weights stand still."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, in, D, H, W) to (B, out, D', H', W')."""
        if (self.kernel_size, self.padding, self.stride) == ((3, 3, 3), (1, 1, 1), (1, 1, 1)):
            return convolve(self, volume, self.weight, self.bias)
        return super().forward(volume)


FEW = 4
"""Channels that a processor computes as slowly as sixteen."""


def _convolve_to_few(convolution: nn.Conv2d, features: Tensor) -> Tensor:
    """The rows of the kernel as a convolution to a channel for each of its columns; these are shifted and summed."""
    outputs, side = convolution.out_channels, convolution.kernel_size[0]
    shares = F.conv2d(features, made_once(convolution, _by_columns, convolution.weight), padding=(side // 2, 0))
    total = features.new_zeros(len(features), outputs, *shares.shape[2:])
    if convolution.bias is not None:
        total += convolution.bias[:, None, None]
    width = total.shape[3]
    for shift, share in enumerate(shares.split(outputs, dim=1), start=-(side // 2)):
        total[..., max(0, -shift) : width - shift] += share[..., max(0, shift) : width + min(0, shift)]
    return total


def _by_columns(weight: Tensor) -> Tensor:
    """(out, in, k, k) to (k out, in, k, 1)."""
    return weight.permute(3, 0, 1, 2).flatten(0, 1)[..., None]


class ConvolutionBlock(nn.Module):
    """Convolution that keeps the size, normalisation, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int = 3, normalisation: Normalisation = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.normalisation = normalisation(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return self.activated(self.convolution(features))

    def activated(self, convolved: Tensor) -> Tensor:
        """What is behind the convolution."""
        return F.relu(self.normalisation(convolved), inplace=True)


class DownBlock(ConvolutionBlock):
    """Convolution block, then 2x2 average pooling."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / 2, W / 2)."""
        return F.avg_pool2d(super().forward(features), 2)


class UpBlock(ConvolutionBlock):
    """Nearest up-sampling by 2, then a convolution block."""

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, 2 H, 2 W)."""
        if weights_stand(features) and gains_by_doubling(features):
            return self.activated(convolve_doubled(self.convolution, features))
        return super().forward(F.interpolate(features, scale_factor=2))


MINIMAL_CELLS = 64
"""Of fewer values of a channel, weights of almost twice the size cost what they save."""


def gains_by_doubling(features: Tensor) -> bool:
    """Whether `convolve_doubled` is the faster way for features (B, C, *size)."""
    return features.numel() >= MINIMAL_CELLS * features.shape[1]


def convolve_doubled(convolution: nn.Conv2d | nn.Conv3d, features: Tensor) -> Tensor:
    """A 3x3 convolution of features (B, C, H, W) after nearest up-sampling by 2; or 3x3x3, of height and width.

    Of the nine values that the kernel sees there, some are always the same one, so that a transposed convolution by
    sums of its weights makes the same of those that are not: with 4 multiplications in place of 9.
    """
    weight = made_once(convolution, of_doubled, convolution.weight)
    if features.ndim == 4:
        return F.conv_transpose2d(features, weight, convolution.bias, stride=2, padding=1)
    return F.conv_transpose3d(features, weight, convolution.bias, stride=KEEPING_DEPTH, padding=1)


# A kernel's weights that the same value meets, from what goes furthest back to what goes furthest on.
_SUMS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def of_doubled(weight: Tensor) -> Tensor:
    """Weights (out, in, *, 3, 3) for an up-sampled map as a transposed convolution's, (in, out, *, 4, 4)."""
    one_way = weight.new_tensor(_SUMS)
    # Along the depth a transposed convolution goes the other way round.
    turned = weight.flip(2) if weight.ndim == 5 else weight
    sums = torch.kron(one_way, one_way) @ turned.movedim(0, -1).flatten(-3, -2)
    made: Tensor = sums.unflatten(-2, (4, 4)).movedim(-1, 1)
    return made


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
        self.convolution1 = Convolution(channels, channels, 3, padding=1)
        self.normalisation2 = normalisation(channels)
        self.convolution2 = Convolution(channels, channels, 3, padding=1)

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
        self.convolution = VolumeConvolution(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.normalisation = nn.BatchNorm3d(outputs)

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H, W)."""
        return self.activated(self.convolution(volume))

    def activated(self, convolved: Tensor) -> Tensor:
        """What is behind the convolution."""
        return F.relu(self.normalisation(convolved), inplace=True)


class VolumeDownBlock(VolumeConvolutionBlock):
    """Convolution block, then average pooling of height and width by 2."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H / 2, W / 2)."""
        return F.avg_pool3d(super().forward(volume), KEEPING_DEPTH)


class VolumeUpBlock(VolumeConvolutionBlock):
    """Nearest up-sampling of height and width by 2, then a convolution block."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, 2 H, 2 W)."""
        if weights_stand(volume) and gains_by_doubling(volume):
            return self.activated(convolve_doubled(self.convolution, volume))
        return super().forward(F.interpolate(volume, scale_factor=KEEPING_DEPTH))


class VolumeResidualBlock(nn.Module):
    """Pre-activation residual block: twice batch norm, ReLU, 3x3x3 convolution; plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalisation1 = nn.BatchNorm3d(channels)
        self.convolution1 = VolumeConvolution(channels, channels, 3, padding=1)
        self.normalisation2 = nn.BatchNorm3d(channels)
        self.convolution2 = VolumeConvolution(channels, channels, 3, padding=1)

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

    def __init__(self, scales: Sequence[float]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(AntiAliasDownsample(3, scale) for scale in scales)

    def forward(self, image: Tensor) -> list[Tensor]:
        """One tensor a scale, in the order given."""
        return [level(image) for level in self.levels]
