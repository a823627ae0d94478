"""Products and inverses of 2x2 matrices, written out: exact under autocast, and no wait for the GPU."""

import torch
from torch import Tensor


def multiply(left: Tensor, right: Tensor) -> Tensor:
    """left @ right for square matrices (..., N, N) of one size."""
    return (left[..., :, :, None] * right[..., None, :, :]).sum(dim=-2)


def apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix @ vector for matrices (..., 2, 2) and vectors (..., 2)."""
    return (matrix * vector[..., None, :]).sum(dim=-1)


def inverse(matrix: Tensor) -> Tensor:
    """Inverse of matrices (..., 2, 2); a singular one gives values that are not finite."""
    (a, b), (c, d) = (row.unbind(-1) for row in matrix.unbind(-2))
    adjugate = torch.stack((d, -b, -c, a), dim=-1).reshape(matrix.shape)
    return adjugate / (a * d - b * c)[..., None, None]
