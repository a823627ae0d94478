"""Layers with an equalised learning rate: unit-scale weights, brought to size at run time (StyleGAN2)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
GAIN = math.sqrt(2)


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
        return F.conv2d(feature, self.weight * self.scale, stride=self.stride, padding=self.padding)


class ActivatedConvolution(EqualisedConvolution):
    """Equalised convolution, a bias that starts at 0, leaky ReLU of slope 0.2, times sqrt(2)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in, H, W) to (B, out, H', W')."""
        # Leaky ReLU passes a positive factor through, so sqrt(2) costs nothing when weight and bias carry it.
        weight, bias = self.weight * (self.scale * GAIN), self.bias * GAIN
        return F.leaky_relu(F.conv2d(feature, weight, bias, self.stride, self.padding), SLOPE)


class EqualisedLinear(nn.Module):
    """Linear layer; its weight (out, in) starts as N(0, 1) and acts divided by sqrt(in)."""

    def __init__(self, in_features: int, out_features: int, initial_bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.full((out_features,), initial_bias))
        self.scale = 1 / math.sqrt(in_features)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        return F.linear(feature, self.weight * self.scale, self.bias)


class ActivatedLinear(EqualisedLinear):
    """Equalised linear layer, leaky ReLU of slope 0.2, times sqrt(2)."""

    def forward(self, feature: Tensor) -> Tensor:
        """(B, in) to (B, out)."""
        return F.leaky_relu(super().forward(feature), SLOPE) * GAIN
