"""Random smooth transformations of the image plane, for losses that ask keypoints to move along (FOMM section 3.3)."""

from typing import Protocol, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.configuration import TransformationConfiguration
from lia_bench.models.blocks.small_tensors import apply, inverse, multiply, on_device_of
from lia_bench.models.blocks.warping import coordinate_grid, warp


class SplineKernel(Protocol):
    """How much a control point bends the plane at an offset x, y from it."""

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """U(x, y), elementwise."""

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dU/dx and dU/dy, elementwise."""


class ManhattanKernel:
    """r^2 log(r + 1e-6) of the L1 distance r = |x| + |y|, as in FOMM's training code."""

    EPSILON = 1e-6

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """U(x, y), elementwise."""
        radius = x.abs() + y.abs()
        return radius**2 * torch.log(radius + self.EPSILON)

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dU/dx and dU/dy, elementwise."""
        radius = x.abs() + y.abs()
        slope = 2 * radius * torch.log(radius + self.EPSILON) + radius**2 / (radius + self.EPSILON)
        return slope * x.sign(), slope * y.sign()


class EuclideanKernel:
    """s log(s + 1e-9) of the squared distance s = x^2 + y^2, the thin plate's (TPSMM equation 3)."""

    EPSILON = 1e-9

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """U(x, y), elementwise."""
        square = x**2 + y**2
        return square * torch.log(square + self.EPSILON)

    def gradient(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """dU/dx and dU/dy, elementwise."""
        square = x**2 + y**2
        slope = 2 * (torch.log(square + self.EPSILON) + square / (square + self.EPSILON))
        return slope * x, slope * y


class PlaneTransformation:
    """T(p) = A p + b + sum over control points c of w_c U(p - c).

    The control points are a square grid over [-1, 1], and the spline moves both axes alike, as in the authors'
    training code. T maps points of the transformed frame to the original frame.
    """

    def __init__(self, affine: Tensor, weights: Tensor, kernel: SplineKernel | None = None) -> None:
        """
        Args:
            affine: (B, 2, 3), [A | b].
            weights: (B, points * points), rows of the control grid first.
            kernel: U; by default FOMM's.
        """
        self.affine = affine
        self.weights = weights
        self.kernel = kernel or ManhattanKernel()
        points = round(weights.shape[1] ** 0.5)
        self.controls = coordinate_grid(points, points, like=weights).reshape(-1, 2)

    @classmethod
    def random(cls, like: Tensor, shape: TransformationConfiguration, kernel: SplineKernel | None = None) -> Self:
        """One transformation for each image of `like` (B, ...), that deviates from the identity as `shape` says.

        Drawn on the CPU, so that a seed gives the same on every device.
        """
        batch = like.shape[0]
        matrix = torch.eye(2, 3) + shape.affine * torch.randn(batch, 2, 3)
        weights = shape.spline * torch.randn(batch, shape.points * shape.points)
        return cls(on_device_of(matrix, like), on_device_of(weights, like), kernel)

    def transform_frame(self, frame: Tensor, align_corners: bool) -> Tensor:
        """(B, C, H, W), read at T of each pixel, reflected at the edges."""
        batch, _, height, width = frame.shape
        grid = coordinate_grid(height, width, like=self.affine).reshape(1, height * width, 2)
        flow = self.apply(grid).reshape(batch, height, width, 2)
        return warp(frame, flow, align_corners, padding="reflection")

    def apply(self, points: Tensor) -> Tensor:
        """T of points (B, N, 2), or of the same points for all, (1, N, 2)."""
        bend = (self.weights[:, None] * self.kernel.value(*self._offsets(points))).sum(dim=-1)
        return apply(self.affine[:, None, :, :2], points) + self.affine[:, None, :, 2] + bend[..., None]

    def jacobian(self, points: Tensor) -> Tensor:
        """dT/dp at points (B, N, 2): (B, N, 2, 2), rows are output coordinates; differentiable."""
        slopes = self.kernel.gradient(*self._offsets(points))
        bend = torch.stack([(self.weights[:, None] * slope).sum(dim=-1) for slope in slopes], dim=-1)
        return self.affine[:, None, :, :2] + bend[:, :, None, :]

    def _offsets(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """x and y of points less those of the control points, each (B, N, controls)."""
        return points[..., :1] - self.controls[:, 0], points[..., 1:] - self.controls[:, 1]


def position_equivariance(driving: Tensor, transformed: Tensor, transformation: PlaneTransformation) -> Tensor:
    """Mean |p_driving - T(p_transformed)| of positions (B, K, 2): they follow a transformation of the frame."""
    return F.l1_loss(driving, transformation.apply(transformed))


def carried_back(
    driving: Tensor, transformed: Tensor, positions: Tensor, transformation: PlaneTransformation
) -> Tensor:
    """A_driving^-1 T'(p_transformed) A_transformed: the identity where the matrices (B, K, 2, 2) follow T as well.

    T' is written out, so that the term needs no gradient inside and can be computed under `no_grad`, unlike the
    authors' of FOMM; it is a function of the transformed positions (B, K, 2), and gradients flow to them through it.
    """
    return multiply(inverse(driving), multiply(transformation.jacobian(positions), transformed))


def difference_from_identity(matrix: Tensor) -> Tensor:
    """Mean |1 - M| over the entries of square matrices (..., N, N)."""
    difference = matrix.clone()
    difference.diagonal(dim1=-2, dim2=-1).sub_(1)
    return difference.abs().mean()
