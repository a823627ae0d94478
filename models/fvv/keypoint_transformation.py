"""From canonical keypoints to those of a frame (face-vid2vid equation 1)."""

from torch import Tensor

from lia_bench.models.blocks.head_pose import turn
from lia_bench.models.fvv.configuration import Angle
from lia_bench.models.fvv.head_pose import HeadMotion

# The weights that are published were trained with this value.
PI = 3.14


def rotation_matrix(about_x: Tensor, about_y: Tensor, about_z: Tensor) -> Tensor:
    """R_x R_y R_z (B, 3, 3), from angles (B,) in degrees."""
    turns = (turn(axis, degrees / 180 * PI) for axis, degrees in enumerate((about_x, about_y, about_z)))
    return next(turns) @ next(turns) @ next(turns)


def frame_keypoints(canonical: Tensor, motion: HeadMotion, axes: tuple[Angle, Angle, Angle]) -> Tensor:
    """R x + t + delta: keypoints (B, K, 3) of frames from canonical ones (B or 1, K, 3).

    Args:
        axes: which angle of `motion` turns about x, about y and about z.
    """
    rotation = rotation_matrix(*(getattr(motion, name) for name in axes))
    # Written out, so that autocast does not round the coordinates.
    rotated = (rotation[:, None] * canonical[:, :, None, :]).sum(dim=-1)
    return rotated + motion.translation[:, None] + motion.expression
