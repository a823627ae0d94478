"""Small tensors, without a wait for the GPU: products and inverses of matrices, written out, and copies of values.

Matrices stay exact in mixed precision. Values are made on the CPU and used on a GPU, as random draws are.
"""

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


def on_device_of(values: Tensor, like: Tensor) -> Tensor:
    """`values` of the CPU on the device of `like`; what a GPU still has to do before is not waited for.

    Random numbers that all devices are to share are drawn on the CPU. A plain copy of them would hold up the program
    until the GPU has done all that it was given before; one out of pinned memory is put in line behind it.
    """
    if like.device.type != "cuda":
        return values.to(like.device)
    # Compiled code cannot pin memory.
    held = values if torch.compiler.is_compiling() else values.pin_memory()
    return held.to(like.device, non_blocking=True)
