"""The [1, 3, 3, 1] filter of StyleGAN2, as depthwise convolutions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.precision import without_autocast


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
