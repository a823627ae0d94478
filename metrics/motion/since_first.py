"""Metrics of a face's state that, in relative transfer, compare how it changed since the first frame."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import Protocol, ScoringSetting


class ChangingState(FrameMetric, ABC):
    """The distance between the states of both faces, such as their rotations, or between what changed of them.

    Relative transfer gives the source the driving video's change since its first frame, so that the states themselves
    are meant to differ. The first frame is the first in which both sides show a face.
    """

    def __init__(self, setting: ScoringSetting, lost: float) -> None:
        """By the setting's transfer and protocol.

        Args:
            setting: of the evaluation.
            lost: score of a frame that lost the face in the strict protocol; in the literature's it is left out.
        """
        super().__init__()
        self._since_first = setting.since_first
        self._lost = lost if setting.protocol is Protocol.STRICT else math.nan
        self._first: tuple[Tensor, Tensor] | None = None

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
        if self._since_first:
            both = (seen & expected).nonzero()
            if self._first is None and len(both):
                begin = int(both[0])
                self._first = mine[begin : begin + 1].clone(), true[begin : begin + 1].clone()
            if self._first is not None:
                mine, true = (self.change(*pair) for pair in zip((mine, true), self._first, strict=True))
        distances = self.distance(mine, true)
        return torch.where(seen & expected, distances, torch.where(expected, self._lost, math.nan))


def _found(states: Tensor) -> Tensor:
    return states.isfinite().flatten(1).all(dim=1)
