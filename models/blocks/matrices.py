"""Small matrices in mixed precision: products and inverses written out, exact and without a wait for the GPU."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

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


def without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which operations on `device` compute in the precision of what they are given.

    On a device that has no mixed precision, such as meta, there is nothing to leave.
    """
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
