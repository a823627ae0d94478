"""Convolutions that a latent code modulates (StyleGAN2, Karras et al., CVPR 2020, section 2.2)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.blur import Blur
from lia_bench.models.blocks.equalised import GAIN, SLOPE, EqualisedLinear


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
        norm = (style.square() @ self.weight.square().sum((2, 3)).t() + 1e-8).rsqrt() * GAIN
        convolved = self.convolve(feature * style[:, :, None, None])
        # Leaky ReLU passes a positive factor through, so norm and bias carry the sqrt(2).
        norm, bias = norm.to(convolved.dtype), (self.bias * GAIN).to(convolved.dtype)
        return F.leaky_relu(torch.addcmul(bias[:, None, None], convolved, norm[:, :, None, None]), SLOPE)

    def convolve(self, feature: Tensor) -> Tensor:
        """The convolution proper: keeps the size."""
        return F.conv2d(feature, self.weight, padding=1)


class UpsamplingStyledConvolution(StyledConvolution):
    """Styled convolution that doubles the side: transposed with stride 2, then blurred."""

    def __init__(self, in_channels: int, out_channels: int, style_dim: int) -> None:
        super().__init__(in_channels, out_channels, style_dim)
        self.blur = Blur(padding=1, gain=4.0)

    def convolve(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, 2 H, 2 W)."""
        blurred: Tensor = self.blur(F.conv_transpose2d(feature, self.weight.transpose(0, 1), stride=2))
        return blurred


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
