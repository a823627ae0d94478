"""Regions with local affine motions from their principal axes (MRAA section 3.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import AntiAliasDownsample
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import expected_covariance, expected_position, spatial_softmax
from lia_bench.models.mraa.configuration import RegionPredictorConfiguration
from lia_bench.models.mraa.principal_axes import SMALLEST_VARIANCES, principal_axes


class Regions(NamedTuple):
    """Regions of a batch of frames.

    Attributes:
        shift: (B, K, 2), centres, x, y in [-1, 1].
        covariance: (B, K, 2, 2), extents, in the squares of these units.
        affine: (B, K, 2, 2), from a region of unit extent to the frame: principal axes times deviations.
    """

    shift: Tensor
    covariance: Tensor
    affine: Tensor


class RegionPredictor(nn.Module):
    """Heatmaps to regions; the only thing it has to learn is where the regions are."""

    def __init__(self, configuration: RegionPredictorConfiguration, regions: int) -> None:
        super().__init__()
        self.temperature = configuration.temperature
        self.downsample = AntiAliasDownsample(3, configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, regions, 7, padding=configuration.padding)

    def forward(self, image: Tensor) -> Regions:
        """Regions of images (B, 3, H, W) in [0, 1]."""
        heatmaps = self.draw(image)
        shift = expected_position(heatmaps)
        smallest = torch.tensor(SMALLEST_VARIANCES, dtype=shift.dtype, device=shift.device)
        covariance = expected_covariance(heatmaps, shift) + torch.diag(smallest)
        axes, deviations = principal_axes(covariance)
        return Regions(shift, covariance, axes * deviations[..., None, :])

    def draw(self, image: Tensor) -> Tensor:
        """Heatmaps (B, K, h, w) of images (B, 3, H, W), each of sum 1."""
        logits = self.heatmaps(self.hourglass(self.downsample(image)))
        return spatial_softmax(logits, self.temperature)


def axis_sign(matrix: Tensor) -> Tensor:
    """-1 for matrices (..., 2, 2) whose first entry is negative, else 1: (..., 1, 1).

    The sign of principal axes is arbitrary, so a motion between two regions that seems to turn the first axis around
    is taken as its opposite (MRAA section 3.2).
    """
    return torch.where(matrix[..., :1, :1] < 0, -1.0, 1.0)
