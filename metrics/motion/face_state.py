"""pose_error and expression_error: how differently two faces are turned, and what they express."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.core.sample_marks import MARKS
from lia_bench.metrics.frame_metric import FrameMetric

AWAY = 90.0
"""Degrees that a lost face counts in the strict protocol: a head turned away."""

FEWEST_MARKS = 5
"""That a head has to show for its rotation to be known."""
ROUNDS = 150

NOTHING_ALIKE = 1.0
"""What a lost face counts in the strict protocol: as much as shapes can differ."""


class ChangingState(FrameMetric, ABC):
    """The distance between the states of both faces, such as their rotations, or between what changed of them.

    Relative transfer gives the source the driving video's change since its first frame, so that the states themselves
    are meant to differ. The first frame is the first in which both sides show a face.
    """

    LOST: ClassVar[float] = math.nan
    """Score of a frame that lost the face; NaN leaves it out, as the literature does."""
    _first: tuple[Tensor, Tensor] | None = None

    @abstractmethod
    def states(self, features: Tensor) -> Tensor:
        """(B, ...) float64 states of (B, ...) features; NaN throughout where there is no face."""

    @abstractmethod
    def change(self, states: Tensor, first: Tensor) -> Tensor:
        """(B, ...) what changed since the state `first`, (1, ...)."""

    @abstractmethod
    def distance(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) between states or changes."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of features of the generated and of the true or driving frames."""
        mine, true = self.states(generated), self.states(reference)
        seen, expected = _found(mine), _found(true)
        if self.since_first:
            both = (seen & expected).nonzero()
            if self._first is None and len(both):
                begin = int(both[0])
                self._first = mine[begin : begin + 1].clone(), true[begin : begin + 1].clone()
            if self._first is not None:
                mine, true = (self.change(*pair) for pair in zip((mine, true), self._first, strict=True))
        distances = self.distance(mine, true)
        return torch.where(seen & expected, distances, torch.where(expected, self.LOST, math.nan))


class ExpressionError(ChangingState):
    """Mean absolute difference of the blendshapes, each from 0 to 1, or of their changes since the first frame."""

    def states(self, features: Tensor) -> Tensor:
        """(B, 52) the blendshapes themselves."""
        return features.double()

    def change(self, states: Tensor, first: Tensor) -> Tensor:
        """(B, 52) their changes."""
        return states - first

    def distance(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) means."""
        return (generated - reference).abs().mean(dim=1)


class StrictExpressionError(ExpressionError):
    """Strict: a lost face counts as much as shapes can differ."""

    LOST = NOTHING_ALIKE


class PoseError(ChangingState):
    """Degrees between the rotations of both heads; of their changes R R0^T where motion counts since the first frame.

    States are (B, 3, 3) rotations. LivePortrait's relative transfer (Guo et al. 2024, equation 8) turns the source's
    rotation by just that change.
    """

    def change(self, states: Tensor, first: Tensor) -> Tensor:
        """(B, 3, 3) the turn from the first rotation to each."""
        return states @ first.mT

    def distance(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) degrees in [0, 180]."""
        return angle(generated, reference)


class MatrixPoseError(PoseError):
    """Of MediaPipe's pose matrices."""

    def states(self, features: Tensor) -> Tensor:
        """(B, 3, 3) rotations of matrices (B, 4, 4)."""
        return rotations_of_poses(features)


class StrictMatrixPoseError(MatrixPoseError):
    """Strict: a lost face counts as a head turned away."""

    LOST = AWAY


class MarksPoseError(PoseError):
    """Of the marks of the sample dataset."""

    def states(self, features: Tensor) -> Tensor:
        """(B, 3, 3) rotations of heads from their marks, (B, 9, 2) in pixels."""
        return rotations_of_marks(features)


class StrictMarksPoseError(MarksPoseError):
    """Strict: a lost face counts as a head turned away."""

    LOST = AWAY


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


def _found(states: Tensor) -> Tensor:
    return states.isfinite().flatten(1).all(dim=1)


def _nearest_rotations(matrices: Tensor) -> Tensor:
    """(B, 3, 3) the rotations R with the largest trace of R^T M: Kabsch's, never a reflection."""
    left, _, right = torch.linalg.svd(matrices)
    sign = torch.linalg.det(left @ right).sign()
    left = torch.cat([left[..., :2], left[..., 2:] * sign[:, None, None]], dim=2)
    nearest: Tensor = left @ right
    return nearest
