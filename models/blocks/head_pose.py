"""Angles of a head, from a network's logits to rotations of points in space."""

from typing import NamedTuple

import torch
from torch import Tensor

DEGREES_A_BIN = 3
HOPENET_FIRST = -99.0


class HeadAngles(NamedTuple):
    """Angles of a batch of heads, each (B,), in degrees."""

    yaw: Tensor
    pitch: Tensor
    roll: Tensor


def expected_degrees(logits: Tensor, first: float = HOPENET_FIRST) -> Tensor:
    """Angles (B,) in degrees from logits (B, bins): the mean over bins three degrees wide from `first` on (Hopenet)."""
    probabilities = logits.float().softmax(dim=1)
    bins = torch.arange(logits.shape[1], dtype=probabilities.dtype, device=logits.device)
    return (probabilities * bins).sum(dim=1) * DEGREES_A_BIN + first


def turn(axis: int, radians: Tensor) -> Tensor:
    """Right-handed rotations (B, 3, 3) about axis 0, 1 or 2 by angles (B,); they multiply columns from the left."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.eye(3, dtype=radians.dtype, device=radians.device).repeat(radians.shape[0], 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = radians.cos()
    matrix[:, first, second] = -radians.sin()
    matrix[:, second, first] = radians.sin()
    return matrix
