"""Keypoints with covariances, learned as a by-product of animation, and what networks see of them.

Monkey-Net sections 3.2 and 3.4.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import (
    covariance_heatmaps,
    expected_covariance,
    expected_position,
    spatial_softmax,
)
from lia_bench.models.monkeynet.configuration import HeatmapDivisor, KeypointDetectorConfiguration

# Added to every cell of a heatmap, which is not normalised once more.
FLOOR = 1e-7
# Where both variances are equal, the square root that parts them has no slope.
SMALLEST_SQUARE = 1e-20


class Keypoints(NamedTuple):
    """Keypoints of a batch of frames.

    Attributes:
        position: (B, K, 2), x, y in [-1, 1].
        covariance: (B, K, 2, 2), of the heatmap around the position.
    """

    position: Tensor
    covariance: Tensor


class KeypointDetector(nn.Module):
    """One heatmap a keypoint; the keypoint is the heatmap's mean and covariance."""

    def __init__(self, configuration: KeypointDetectorConfiguration, keypoints: int) -> None:
        super().__init__()
        self.temperature = configuration.temperature
        self.smallest_variance = configuration.smallest_variance
        self.step = round(1 / configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, keypoints, 3, padding=1)

    def forward(self, image: Tensor) -> Keypoints:
        """Keypoints of images (B, 3, H, W) in [0, 1]."""
        heatmaps = spatial_softmax(self.logits(image), self.temperature) + FLOOR
        position = expected_position(heatmaps)
        covariance = expected_covariance(heatmaps, position)
        if self.smallest_variance is not None:
            covariance = enlarged(covariance, self.smallest_variance)
        return Keypoints(position, covariance)

    def logits(self, image: Tensor) -> Tensor:
        """Heatmaps before temperature and softmax, (B, K, H scale, W scale)."""
        logits: Tensor = self.heatmaps(self.hourglass(image[..., :: self.step, :: self.step]))
        return logits


def enlarged(covariance: Tensor, smallest: float) -> Tensor:
    """Covariances (..., 2, 2) times a number at least 1, such that no axis has a variance below `smallest`."""
    middle = (covariance[..., 0, 0] + covariance[..., 1, 1]) / 2
    half = (covariance[..., 0, 0] - covariance[..., 1, 1]) / 2
    apart = (half**2 + covariance[..., 0, 1] ** 2).clamp(min=SMALLEST_SQUARE).sqrt()
    smaller = middle - apart
    return covariance * (smaller.clamp(min=smallest) / smaller)[..., None, None]


def heatmaps(keypoints: Keypoints, divisor: HeatmapDivisor, height: int, width: int) -> Tensor:
    """Gaussians (B, K, height, width) of the keypoints' covariances, of peak 1, divided as configured."""
    drawn = covariance_heatmaps(keypoints.position, keypoints.covariance, height, width)
    return drawn / (drawn.sum(dim=(-2, -1), keepdim=True) if divisor == "sum" else divisor)


def heatmap_difference(
    source: Keypoints, driving: Keypoints, divisor: HeatmapDivisor, height: int, width: int
) -> Tensor:
    """Driving less source heatmaps, (B, K, height, width)."""
    return heatmaps(driving, divisor, height, width) - heatmaps(source, divisor, height, width)


def displacements(source: Keypoints, driving: Keypoints) -> Tensor:
    """From the driving to the source positions, (B, K + 1, 2); first the background, which stands still."""
    moved = source.position - driving.position
    return torch.cat((torch.zeros_like(moved[:, :1]), moved), dim=1)
