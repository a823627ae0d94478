"""The axes of an ellipse from its covariance, with the signs that LAPACK's singular value decomposition chooses."""

import torch
from torch import Tensor

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
