"""Down-sampling through a Gaussian, and the image pyramid made of it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
