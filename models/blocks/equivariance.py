"""Random smooth transformations of the image plane, for losses that ask keypoints to move along (FOMM section 3.3)."""

from typing import Self

import torch
from torch import Tensor

from lia_bench.models.blocks.coordinate_grid import coordinate_grid
from lia_bench.models.blocks.matrices import apply
from lia_bench.models.blocks.warping import warp

EPSILON = 1e-6


class PlaneTransformation:
    """T(p) = A p + b + sum over control points c of w_c r^2 log(r + 1e-6), with r = |x - c_x| + |y - c_y|.

    The control points are a square grid over [-1, 1]; r is the L1 distance, and the spline moves both axes
    alike, as in the authors' training code. T maps points of the transformed frame to the original frame.
    """

    def __init__(self, affine: Tensor, weights: Tensor) -> None:
        """`affine`: (B, 2, 3), [A | b]. `weights`: (B, points * points), rows of the control grid first."""
        self.affine = affine
        self.weights = weights
        points = round(weights.shape[1] ** 0.5)
        self.controls = coordinate_grid(points, points, like=weights).reshape(-1, 2)

    @classmethod
    def random(cls, like: Tensor, affine: float, spline: float, points: int) -> Self:
        """One transformation for each image of `like` (B, ...): deviations `affine` from identity and `spline` from 0.

        Drawn on the CPU, so that a seed gives the same on every device.
        """
        batch = like.shape[0]
        matrix = torch.eye(2, 3) + affine * torch.randn(batch, 2, 3)
        weights = spline * torch.randn(batch, points * points)
        return cls(matrix.to(like.device), weights.to(like.device))

    def transform_frame(self, frame: Tensor, align_corners: bool) -> Tensor:
        """(B, C, H, W), read at T of each pixel, reflected at the edges."""
        batch, _, height, width = frame.shape
        grid = coordinate_grid(height, width, like=self.affine).reshape(1, height * width, 2)
        flow = self.apply(grid).reshape(batch, height, width, 2)
        return warp(frame, flow, align_corners, padding="reflection")

    def apply(self, points: Tensor) -> Tensor:
        """T of points (B, N, 2), or of the same points for all, (1, N, 2)."""
        x, y = self._offsets(points)
        radius = x.abs() + y.abs()
        bend = (self.weights[:, None] * radius**2 * torch.log(radius + EPSILON)).sum(dim=-1)
        return apply(self.affine[:, None, :, :2], points) + self.affine[:, None, :, 2] + bend[..., None]

    def jacobian(self, points: Tensor) -> Tensor:
        """dT/dp at points (B, N, 2): (B, N, 2, 2), rows are output coordinates; differentiable."""
        x, y = self._offsets(points)
        radius = x.abs() + y.abs()
        slope = self.weights[:, None] * (2 * radius * torch.log(radius + EPSILON) + radius**2 / (radius + EPSILON))
        bend = torch.stack(((slope * x.sign()).sum(dim=-1), (slope * y.sign()).sum(dim=-1)), dim=-1)
        return self.affine[:, None, :, :2] + bend[:, :, None, :]

    def _offsets(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """x and y of points less those of the control points, each (B, N, controls)."""
        return points[..., :1] - self.controls[:, 0], points[..., 1:] - self.controls[:, 1]
