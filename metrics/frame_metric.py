"""Metrics that are a mean of one score a frame."""

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor
from torchmetrics import Metric

Found = TypeVar("Found")


class OfTrueFrames(Generic[Found]):
    """What is worked out of the true frames, once for all models that are compared with them, from several threads."""

    def __init__(self, work: Callable[[Tensor], Found]) -> None:
        """`work`: of a batch of frames; no more than what it gave last is kept."""
        self._work = work
        self._alone = threading.Lock()
        self._last: tuple[Tensor, Found] | None = None

    def of(self, frames: Tensor) -> Found:
        """What `work` gives of frames (B, 3, H, W)."""
        with self._alone:
            if self._last is None or not _same(self._last[0], frames):
                self._last = frames.clone(), self._work(frames)
            return self._last[1]


def _same(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and first.device == second.device and torch.equal(first, second)


class FrameMetric(Metric, ABC):
    """The weighted mean of a score over frames, NaN without any; frames whose score is NaN are counted as missing.

    A torchmetrics metric: `update` takes frames (or what an extractor says of them), `compute` gives the mean, states
    add up over processes. Sums are in 64 bits and in the order of the frames, so that batches do not matter.
    """

    full_state_update = False
    of_setting: ClassVar[bool] = False
    """Whether it is made of a `ScoringSetting`."""
    shared: OfTrueFrames[Any] | None = None
    """Works out of the true frames what `score` is given in their place, once for all models; None: frames it is."""
    since_first: bool = False
    """Whether a state counts as its change since the first frame, as relative transfer means it; said before that."""

    total: Tensor
    weight: Tensor
    valid_frames: Tensor
    missing_frames: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "weight"):
            self.add_state(name, torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        for name in ("valid_frames", "missing_frames"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @abstractmethod
    def score(self, generated: Tensor, reference: Any) -> Tensor:
        """(B,) the score of each frame, NaN where a frame has none; or of the last frames alone.

        `reference` is as `update` gets it, or what `shared` has worked out of it.
        """

    def frame_weights(self, reference: Tensor) -> Tensor:
        """(B,) how much each frame counts in the mean."""
        return torch.ones(len(reference), dtype=torch.float64)

    def update(self, generated: Tensor, reference: Tensor) -> None:
        """Score the next frames: images (B, 3, H, W) in [0, 1], or features (B, ...), of both sides."""
        with torch.inference_mode():
            truth = self.shared.of(reference) if self.shared else reference
            scores = self.score(generated, truth).double().tolist()
            weights = self.frame_weights(reference)[len(reference) - len(scores) :].tolist()
        total, weight, valid = self.total.item(), self.weight.item(), 0
        for score, share in zip(scores, weights, strict=True):
            if not math.isnan(score):
                total += score * share
                weight += share
                valid += 1
        self.total.fill_(total)
        self.weight.fill_(weight)
        self.valid_frames += valid
        self.missing_frames += len(scores) - valid

    def compute(self) -> Tensor:
        """The mean; a 0-dimensional float64."""
        return self.total / self.weight
