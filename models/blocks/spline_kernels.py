"""The radial functions that splines bend the plane by."""

from typing import Protocol

import torch
from torch import Tensor


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
