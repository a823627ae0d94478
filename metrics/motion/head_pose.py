"""pose_error: the angle between two heads' rotations."""

from collections.abc import Callable

import torch
from torch import Tensor

from lia_bench.core.sample_marks import MARKS
from lia_bench.metrics.motion.since_first import ChangingState
from lia_bench.metrics.specification import ScoringSetting

AWAY = 90.0
"""Degrees that a lost face counts in the strict protocol: a head turned away."""

FEWEST_MARKS = 5
"""That a head has to show for its rotation to be known."""
ROUNDS = 150

Rotations = Callable[[Tensor], Tensor]
"""Features of frames to (B, 3, 3) rotations, NaN where none is known."""


class PoseError(ChangingState):
    """Degrees between the rotations of both heads; of their changes R R0^T where motion counts since the first frame.

    LivePortrait's relative transfer (Guo et al. 2024, equation 8) turns the source's rotation by just that change.
    """

    def __init__(self, rotations: Rotations, setting: ScoringSetting) -> None:
        super().__init__(setting, AWAY)
        self._rotations = rotations

    def states(self, features: Tensor) -> Tensor:
        """(B, 3, 3) rotations."""
        return self._rotations(features)

    def change(self, states: Tensor, first: Tensor) -> Tensor:
        """(B, 3, 3) the turn from the first rotation to each."""
        return states @ first.mT

    def distance(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) degrees in [0, 180]."""
        return angle(generated, reference)


def angle(first: Tensor, second: Tensor) -> Tensor:
    """(...) degrees by which rotations (..., 3, 3) differ, exact for small angles too."""
    chord = torch.linalg.matrix_norm(first - second) / 8**0.5
    return torch.rad2deg(2 * torch.asin(chord.clamp(max=1)))


def rotations_of_poses(poses: Tensor) -> Tensor:
    """(B, 3, 3) float64 rotations of matrices (B, 4, 4), or the nearest ones to their upper left parts."""
    turns = poses[:, :3, :3].double()
    found = turns.isfinite().flatten(1).all(dim=1)
    nearest = torch.full_like(turns, torch.nan)
    nearest[found] = _nearest_rotations(turns[found])
    return nearest


def rotations_of_marks(points: Tensor) -> Tensor:
    """(B, 3, 3) float64 rotations of the sample dataset's heads from their marks, (B, 9, 2) in pixels.

    The average face is laid onto the marks in scaled orthographic projection, by least squares: depths are those of
    the rotation so far, and the next rotation is the best for all three coordinates. x to the right, y down, z towards
    the viewer.
    """
    model = torch.tensor([mark.place for mark in MARKS], dtype=torch.float64)
    points = points.double()
    seen = points.isfinite().all(dim=2)
    known = seen.sum(dim=1) >= FEWEST_MARKS
    weight = (seen[known] / seen[known].sum(dim=1, keepdim=True)).unsqueeze(2)
    places = points[known].nan_to_num()
    places = places - (weight * places).sum(dim=1, keepdim=True)
    model = model - (weight * model).sum(dim=1, keepdim=True)
    turns = torch.eye(3, dtype=torch.float64).expand(len(places), 3, 3)
    for _ in range(ROUNDS):
        turned = model @ turns.mT
        flat = (weight * turned[..., :2] ** 2).sum(dim=(1, 2))
        scale = (weight * turned[..., :2] * places).sum(dim=(1, 2)) / flat
        targets = torch.cat([places / scale[:, None, None], turned[..., 2:]], dim=2)
        turns = _nearest_rotations((weight * targets).mT @ model)
    rotations = torch.full((len(points), 3, 3), torch.nan, dtype=torch.float64)
    rotations[known] = turns
    return rotations


def open_mediapipe_pose_error(setting: ScoringSetting) -> Callable[[], PoseError]:
    """Of MediaPipe's pose matrices."""
    return lambda: PoseError(rotations_of_poses, setting)


def open_sample_pose_error(setting: ScoringSetting) -> Callable[[], PoseError]:
    """Of the marks of the sample dataset."""
    return lambda: PoseError(rotations_of_marks, setting)


def _nearest_rotations(matrices: Tensor) -> Tensor:
    """(B, 3, 3) the rotations R with the largest trace of R^T M: Kabsch's, never a reflection."""
    left, _, right = torch.linalg.svd(matrices)
    sign = torch.linalg.det(left @ right).sign()
    left = torch.cat([left[..., :2], left[..., 2:] * sign[:, None, None]], dim=2)
    nearest: Tensor = left @ right
    return nearest
