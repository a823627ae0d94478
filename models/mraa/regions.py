"""Regions with local affine motions from their principal axes (MRAA section 3.2)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_covariance, expected_position
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.mraa.configuration import RegionPredictorConfiguration

# Added to the variances along x and y. A region on a single cell has neither extent nor axes: these, far below the
# rounding of any other region, keep its matrices invertible and its axes defined.
SMALLEST_VARIANCES = (2e-8, 1e-8)


def principal_axes(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """U and s of the decomposition C = U diag(s^2) U^T of covariances (..., 2, 2), in closed form.

    U is the reflection [[p, q], [q, -p]], its first column the leading axis. p is negative, except where the
    covariance [[a, b], [b, c]] has b > 0 and ac - b^2 > a^2 + b^2. Both hold for every covariance that LAPACK was
    asked about, and networks that read U, such as MRAA's disentanglement, work with these signs alone. Other
    libraries, on other devices too, choose others.

    Returns:
        U (..., 2, 2) and the deviations s (..., 2) along the axes, in the covariance's unit, the larger first.
    """
    (a, b), (_, c) = (row.unbind(-1) for row in covariance.unbind(-2))
    half = (a - c) / 2
    determinant = a * c - b * b
    large = (a + c) / 2 + torch.hypot(half, b)
    # By the determinant, since the difference of two nearly equal numbers would lose the digits of a thin region.
    small = (determinant / large).clamp_min(min(SMALLEST_VARIANCES))
    angle = torch.atan2(b, half) / 2
    sign = torch.where((b > 0) & (determinant > a * a + b * b), 1.0, -1.0)
    p, q = sign * angle.cos(), sign * angle.sin()
    axes = torch.stack((p, q, q, -p), dim=-1).reshape(covariance.shape)
    return axes, torch.stack((large, small), dim=-1).sqrt()


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


class RegionPredictor(HeatmapNetwork):
    """Heatmaps to regions; the only thing it has to learn is where the regions are."""

    smallest: Tensor

    def __init__(self, configuration: RegionPredictorConfiguration, regions: int) -> None:
        super().__init__(configuration, regions, configuration.padding)
        self.register_buffer("smallest", torch.diag(torch.tensor(SMALLEST_VARIANCES)), persistent=False)

    def forward(self, image: Tensor) -> Regions:
        """Regions of images (B, 3, H, W) in [0, 1]."""
        heatmaps = self.draw(image)
        shift = expected_position(heatmaps)
        covariance = expected_covariance(heatmaps, shift) + self.smallest
        axes, deviations = principal_axes(covariance)
        return Regions(shift, covariance, axes * deviations[..., None, :])


def axis_sign(matrix: Tensor) -> Tensor:
    """-1 for matrices (..., 2, 2) whose first entry is negative, else 1: (..., 1, 1).

    The sign of principal axes is arbitrary, so a motion between two regions that seems to turn the first axis around
    is taken as its opposite (MRAA section 3.2).
    """
    return torch.where(matrix[..., :1, :1] < 0, -1.0, 1.0)


# Numbers that a region is told by: two of its shift and four of its affine.
REGION_VALUES = 6


def disentangled(network: Callable[[Tensor, Tensor], Tensor], identity: Regions, pose: Regions) -> Regions:
    """Regions (B, K) of the subject of `identity` in the pose of `pose`, of the same batch size.

    `network` is a DisentanglementNetwork of K * REGION_VALUES values.
    """
    # The same orientation on both sides, so that the network need not know of it.
    turned = identity.affine * axis_sign(multiply(identity.affine, inverse(pose.affine)))
    values = network(_flat(identity.shift, turned), _flat(pose.shift, pose.affine))
    values = values.float().reshape(*pose.shift.shape[:2], REGION_VALUES)
    affine = values[..., 2:].reshape(pose.affine.shape)
    return Regions(values[..., :2], multiply(affine, affine.mT), affine)


def _flat(shift: Tensor, affine: Tensor) -> Tensor:
    """(B, K * 6): of each region x and y, then the rows of its matrix."""
    return torch.cat((shift, affine.flatten(2)), dim=2).flatten(1)
