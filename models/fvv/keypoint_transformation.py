"""From canonical keypoints to those of a frame (face-vid2vid equation 1)."""

import torch
from torch import Tensor

from lia_bench.models.fvv.configuration import Angle
from lia_bench.models.fvv.head_pose import HeadMotion

# The weights that are published were trained with this value.
PI = 3.14


def rotation_matrix(about_x: Tensor, about_y: Tensor, about_z: Tensor) -> Tensor:
    """R_x R_y R_z (B, 3, 3), from angles (B,) in degrees."""
    return _elementary(0, about_x) @ _elementary(1, about_y) @ _elementary(2, about_z)


def frame_keypoints(canonical: Tensor, motion: HeadMotion, axes: tuple[Angle, Angle, Angle]) -> Tensor:
    """R x + t + delta: keypoints (B, K, 3) of frames from canonical ones (B or 1, K, 3).

    Args:
        axes: which angle of `motion` turns about x, about y and about z.
    """
    rotation = rotation_matrix(*(getattr(motion, name) for name in axes))
    # Written out, so that autocast does not round the coordinates.
    rotated = (rotation[:, None] * canonical[:, :, None, :]).sum(dim=-1)
    return rotated + motion.translation[:, None] + motion.expression


def _elementary(axis: int, degrees: Tensor) -> Tensor:
    """Right-handed rotation (B, 3, 3) about axis 0, 1 or 2."""
    radians = degrees / 180 * PI
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.eye(3, dtype=degrees.dtype, device=degrees.device).repeat(degrees.shape[0], 1, 1)
    matrix[:, first, first] = matrix[:, second, second] = radians.cos()
    matrix[:, first, second] = -radians.sin()
    matrix[:, second, first] = radians.sin()
    return matrix
