"""Spatially-adaptive normalisation and the decoder built of it (Park et al., CVPR 2019)."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import register_parametrization

SLOPE = 0.2
HIDDEN = 128
MIDDLE_BLOCKS = 6


class SpectralNorm(_SpectralNorm):
    """torch's own, but on the meta device: its first fifteen iterations find no number there, and take seconds."""

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(convolution: nn.Conv2d) -> nn.Conv2d:
    """The convolution, whose weight is divided by its largest singular value from now on."""
    register_parametrization(convolution, "weight", SpectralNorm(convolution.weight))
    return convolution


class Spade(nn.Module):
    """Instance norm whose scale and shift are convolved from a map, brought to the size of what is normalised."""

    def __init__(self, channels: int, map_channels: int, hidden: int) -> None:
        """`hidden`: channels between the map and the scale and shift."""
        super().__init__()
        self.normalisation = nn.InstanceNorm2d(channels)
        self.shared = nn.Conv2d(map_channels, hidden, 3, padding=1)
        self.scale = nn.Conv2d(hidden, channels, 3, padding=1)
        self.shift = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept, under a map (B, map_channels, h, w)."""
        hidden = F.relu(self.shared(F.interpolate(condition, size=features.shape[2:])), inplace=True)
        normalised: Tensor = self.normalisation(features) * (1 + self.scale(hidden)) + self.shift(hidden)
        return normalised


class SpadeBlock(nn.Module):
    """Twice SPADE, leaky ReLU, 3x3 convolution; beside the input, or SPADE and 1x1 where the width changes."""

    def __init__(self, inputs: int, outputs: int, map_channels: int, hidden: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.normalisation1 = Spade(inputs, map_channels, hidden)
        self.convolution1 = spectral_norm(nn.Conv2d(inputs, middle, 3, padding=1))
        self.normalisation2 = Spade(middle, map_channels, hidden)
        self.convolution2 = spectral_norm(nn.Conv2d(middle, outputs, 3, padding=1))
        self.changing = inputs != outputs
        if self.changing:
            self.shortcut_normalisation = Spade(inputs, map_channels, hidden)
            self.shortcut = spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        change = self.convolution1(F.leaky_relu(self.normalisation1(features, condition), SLOPE))
        change = self.convolution2(F.leaky_relu(self.normalisation2(change, condition), SLOPE))
        if self.changing:
            features = self.shortcut(self.shortcut_normalisation(features, condition))
        total: Tensor = features + change
        return total


class SpadeDecoder(nn.Module):
    """Six blocks at the size of the features, then one after each doubling; each sees the features."""

    def __init__(self, inputs: int, outputs: int, doublings: int, shuffle: int = 1, hidden: int = HIDDEN) -> None:
        """
        Args:
            outputs: width after the doublings.
            shuffle: along a side, pixels that the last layer makes of one.
            hidden: channels between the features and the scales and shifts of the blocks.
        """
        super().__init__()
        self.input = nn.Conv2d(inputs, 2 * inputs, 3, padding=1)
        self.middle = nn.ModuleList(SpadeBlock(2 * inputs, 2 * inputs, inputs, hidden) for _ in range(MIDDLE_BLOCKS))
        widths = [2 * inputs, *[inputs] * (doublings - 1), outputs]
        self.up = nn.ModuleList(SpadeBlock(*pair, inputs, hidden) for pair in pairwise(widths))
        self.shuffle = shuffle
        self.output = nn.Conv2d(outputs, 3 * shuffle**2, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits of the frame (B, 3, 2^n s H, 2^n s W), n doublings and shuffle s, for features (B, inputs, H, W)."""
        decoded = self.input(features)
        for block in self.middle:
            decoded = block(decoded, features)
        for block in self.up:
            decoded = block(F.interpolate(decoded, scale_factor=2), features)
        logits: Tensor = self.output(F.leaky_relu(decoded, SLOPE))
        return F.pixel_shuffle(logits, self.shuffle)
