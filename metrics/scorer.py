"""How a metric scores frames, and how the frames of a clip become one number."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.core.errors import LiaBenchError


class UnavailableMetricError(LiaBenchError):
    """A metric that cannot be computed in this setting; the text is the reason its cells stay empty."""


@dataclass(frozen=True)
class ScoringSetting:
    """What a metric may depend on beside the frames.

    Attributes:
        recipe: the recipe that the dataset was prepared by, since some extractors know one dataset alone; empty for
            clips of unknown making.
        height: of all frames, in pixels.
        width: of all frames, in pixels.
        device: where networks run and where the frames lie.
    """

    recipe: str
    height: int
    width: int
    device: torch.device


@dataclass(frozen=True)
class ClipScore:
    """A metric on one clip: None where no frame could be scored, or where the value is infinite."""

    value: float | None
    valid_frames: int
    missing_frames: int


class FrameScorer(ABC):
    """Scores generated frames one by one; made once for an evaluation, so that a network is loaded once.

    Attributes:
        extractor: the network or reader behind the values, as result tables name it; empty where there is none.
    """

    extractor: ClassVar[str] = ""

    @abstractmethod
    def __init__(self, setting: ScoringSetting) -> None:
        """Load what is needed.

        Raises:
            UnavailableMetricError: the metric cannot be had in this setting.
        """

    @abstractmethod
    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """One value a frame for each metric computed here, by the metric's name; NaN where a frame has none.

        Args:
            generated: (B, 3, H, W) in [0, 1].
            reference: (B, 3, H, W) in [0, 1].
        """

    def conclude(self, mean: float) -> float:
        """A clip's value from the mean over its frames."""
        return mean


class ClipMeter:
    """The running means of one clip; the result does not depend on how frames are batched."""

    def __init__(self, scorer: FrameScorer) -> None:
        self._scorer = scorer
        self._sums: dict[str, float] = {}
        self._valid: dict[str, int] = {}
        self._frames = 0

    def update(self, generated: Tensor, reference: Tensor) -> None:
        """Score the next frames: (B, 3, H, W) each, in [0, 1]."""
        # Convolutions in TF32, the default on GPUs, keep ten bits: too few for the third digit of SSIM.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            scores = self._scorer.score(generated, reference)
        for name, values in scores.items():
            for value in values:
                if not math.isnan(value):
                    self._sums[name] = self._sums.get(name, 0.0) + value
                    self._valid[name] = self._valid.get(name, 0) + 1
            self._sums.setdefault(name, 0.0)
            self._valid.setdefault(name, 0)
        self._frames += len(generated)

    def results(self) -> dict[str, ClipScore]:
        """The clip's score for each metric, by name."""
        return {name: self._result(name) for name in self._sums}

    def _result(self, name: str) -> ClipScore:
        valid = self._valid[name]
        value = self._scorer.conclude(self._sums[name] / valid) if valid else math.nan
        return ClipScore(value if math.isfinite(value) else None, valid, self._frames - valid)
