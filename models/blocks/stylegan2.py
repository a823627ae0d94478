"""The layers of StyleGAN2 (Karras et al., CVPR 2020), as far as LIA is made of them.

Weights have an equalised learning rate: they start at unit scale and are brought to size at run time.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.small_tensors import without_autocast
from lia_bench.models.blocks.standing_weights import made_once
from lia_bench.models.blocks.winograd import convolve


def blur_kernel(gain: float = 1.0) -> Tensor:
    """Outer product of [1, 3, 3, 1] with itself, (4, 4), of sum `gain`."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(line, line)
    return kernel * (gain / kernel.sum())


class Blur(nn.Module):
    """Filters each channel after zero padding on all sides; with `stride` 2 only every second value is computed.

    `gain` is the kernel's sum: 4 after zeros were inserted between pixels, else 1.
    """

    kernel: Tensor

    def __init__(self, padding: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        # Fixed by the architecture, so it is no part of a checkpoint.
        self.register_buffer("kernel", blur_kernel(gain), persistent=False)
        self.padding = padding
        self.stride = stride

    def forward(self, feature: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, (H + 2 padding - 4) // stride + 1, ...)."""
        channels = feature.shape[1]
        kernel = self.kernel.expand(channels, 1, 4, 4)
        return F.conv2d(feature, kernel, stride=self.stride, padding=self.padding, groups=channels)


class UpsampleMap(nn.Module):
    """Doubles the side of a map of few channels (colours, flow): zeros inserted, padding (2, 1), filtered.

    Computed in float32 under mixed precision too: these maps are sums over all levels, and a coordinate
    rounded to bfloat16 is off by up to half a pixel at 256x256.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", blur_kernel(4.0), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 2 H, 2 W), float32."""
        channels = image.shape[1]
        kernel = self.kernel.expand(channels, 1, 4, 4)
        with without_autocast(image.device):
            return F.conv_transpose2d(image.float(), kernel, stride=2, padding=1, groups=channels)


SLOPE = 0.2
GAIN = math.sqrt(2)


def activated(feature: Tensor) -> Tensor:
    """Leaky ReLU; where no gradient is needed, in the place of its input, which nobody else holds."""
    return F.leaky_relu(feature, SLOPE, inplace=not torch.is_grad_enabled())


def _scaled(weight: Tensor, scale: float) -> Tensor:
    return weight * scale


class EqualisedConvolution(nn.Module):
    """Convolution without bias; its weight (out, in, k, k) starts as N(0, 1) and acts divided by sqrt(in k k)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.scale = 1 / math.sqrt(in_channels * kernel * kernel)
        self.stride = stride
        self.padding = padding

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        return self.convolve(feature, 1.0, None)

    def convolve(self, feature: Tensor, gain: float, bias: Tensor | None) -> Tensor:
        """With a weight `gain` times as large."""
        weight = made_once(self, _scaled, self.weight, self.scale * gain)
        if self.weight.shape[2:] == (3, 3) and (self.stride, self.padding) == (1, 1):
            return convolve(self, feature, weight, bias)
        return F.conv2d(feature, weight, bias, self.stride, self.padding)


class ActivatedConvolution(EqualisedConvolution):
    """Equalised convolution, a bias that starts at 0, leaky ReLU of slope 0.2, times sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        # Leaky ReLU passes a positive factor through, so sqrt(2) costs nothing when weight and bias carry it.
        return activated(self.convolve(feature, GAIN, self.bias * GAIN))


class EqualisedLinear(nn.Module):
    """Linear layer; its weight (out, in) starts as N(0, 1) and acts divided by sqrt(in)."""

    def __init__(self, in_features: int, out_features: int, initial_bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.full((out_features,), initial_bias))
        self.scale = 1 / math.sqrt(in_features)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        return F.linear(feature, made_once(self, _scaled, self.weight, self.scale), self.bias)


class ActivatedLinear(EqualisedLinear):
    """Equalised linear layer, leaky ReLU of slope 0.2, times sqrt(2)."""

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        return F.leaky_relu(super().forward(feature), SLOPE) * GAIN


class StyledConvolution(nn.Module):
    """Modulated 3x3 convolution with demodulation, bias, leaky ReLU of slope 0.2, times sqrt(2).

    The style, a linear map of the latent code, multiplies the input channels; each output channel is divided by
    the norm of its filter. Both are done to the features, not to the weights, so that a batch shares one
    convolution (the two are equal: a convolution is linear).
    """

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.modulation = EqualisedLinear(style_dim, in_channels, initial_bias=1.0)
        self.scale = 1 / math.sqrt(in_channels * 9)

    def forward(self, feature: Tensor, latent: Tensor) -> Tensor:
        """Features (B, in, H, W) and codes (B, style_dim) to (B, out, H, W)."""
        style = self.modulation(latent) * self.scale
        norm = (style.square() @ made_once(self, _sums_of_squares, self.weight).t() + 1e-8).rsqrt() * GAIN
        convolved = self.convolve(feature * style[:, :, None, None])
        # Leaky ReLU passes a positive factor through, so norm and bias carry the sqrt(2).
        norm, bias = norm.to(convolved.dtype), (self.bias * GAIN).to(convolved.dtype)
        return activated(torch.addcmul(bias[:, None, None], convolved, norm[:, :, None, None]))

    def convolve(self, feature: Tensor) -> Tensor:
        """The convolution proper: keeps the size."""
        return convolve(self, feature, self.weight)


def _sums_of_squares(weight: Tensor) -> Tensor:
    """(out, in) of weights (out, in, 3, 3)."""
    return weight.square().sum((2, 3))


class UpsamplingStyledConvolution(StyledConvolution):
    """Styled convolution that doubles the side: transposed with stride 2, then blurred."""

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__(in_channels, out_channels, style_dim)
        self.blur = Blur(padding=1, gain=4.0)

    def convolve(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, 2 H, 2 W)."""
        weight = made_once(self, _transposed, self.weight)
        blurred: Tensor = self.blur(F.conv_transpose2d(feature, weight, stride=2))
        return blurred


def _transposed(weight: Tensor) -> Tensor:
    return weight.transpose(0, 1)


class ModulatedPointwise(nn.Module):
    """Modulated 1x1 convolution to few channels, without demodulation or activation, plus a bias."""

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.modulation = EqualisedLinear(style_dim, in_channels, initial_bias=1.0)
        self.scale = 1 / math.sqrt(in_channels)

    def forward(self, feature: Tensor, latent: Tensor) -> Tensor:
        """Features (B, in, H, W) and codes (B, style_dim) to (B, out, H, W)."""
        style = self.modulation(latent) * self.scale
        # With so few output channels a matrix a sample is cheaper than a scaled copy of the features.
        matrices = self.weight.flatten(1) * style[:, None, :]
        mapped = torch.bmm(matrices, feature.flatten(2)) + self.bias[:, None]
        return mapped.reshape(-1, mapped.shape[1], *feature.shape[2:])


class ResidualDown(nn.Module):
    """3x3 convolution, then blur and 3x3 of stride 2, beside a shortcut of blur and 1x1; the sum over sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int, between: int | None = None) -> None:
        """`between`: channels between the two 3x3 convolutions; by default those that come in."""
        super().__init__()
        between = between or in_channels
        self.first = ActivatedConvolution(in_channels, between, 3, padding=1)
        self.blur = Blur(padding=2)
        self.second = ActivatedConvolution(between, out_channels, 3, stride=2)
        # The 1x1 convolution sees every second pixel, so the blur computes no others.
        self.shortcut_blur = Blur(padding=1, stride=2)
        self.shortcut = EqualisedConvolution(in_channels, out_channels, 1)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H / 2, W / 2)."""
        main = self.second(self.blur(self.first(feature)))
        total: Tensor = main + self.shortcut(self.shortcut_blur(feature))
        return total / math.sqrt(2)
