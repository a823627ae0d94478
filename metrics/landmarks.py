"""Distances between landmarks found in generated and in reference frames: AKD and MKR, in one pass."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.registry import load_attribute
from lia_bench.core.video import to_frame
from lia_bench.metrics.scorer import FrameScorer, ScoringSetting, UnavailableMetricError

Points: TypeAlias = NDArray[np.floating]
Reader: TypeAlias = Callable[[NDArray[np.uint8]], Points]

READERS = {"sample": "lia_bench.metrics.sample_marks:find_marks"}


class LandmarkScorer(FrameScorer):
    """AKD and MKR through the landmark reader of the dataset, on 8-bit frames."""

    extractor = "sample-marks"

    def __init__(self, setting: ScoringSetting) -> None:
        """Raises UnavailableMetricError for a dataset without a landmark reader."""
        if setting.recipe not in READERS:
            raise UnavailableMetricError(
                f"no landmark reader for {setting.recipe or 'these clips'}: there is one for {', '.join(READERS)}"
            )
        self._find: Reader = load_attribute(READERS[setting.recipe])
        self._reference: Tensor | None = None
        self._expected: list[Points] = []

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """AKD in pixels and MKR in [0, 1] of each frame."""
        # All models of an evaluation are held against the same tensor: its landmarks are read once.
        if reference is not self._reference:
            self._reference, self._expected = reference, self._read(reference)
        pairs = list(zip(self._read(generated), self._expected, strict=True))
        return {
            "akd": [keypoint_distance(mine, theirs) for mine, theirs in pairs],
            "mkr": [missing_keypoint_rate(mine, theirs) for mine, theirs in pairs],
        }

    def _read(self, frames: Tensor) -> list[Points]:
        return [self._find(to_frame(frame)) for frame in frames]


def keypoint_distance(generated: Points, reference: Points) -> float:
    """Mean of |dx| and |dy| over the points found in both frames, in pixels; NaN where no point is in both.

    Half the city-block distance, as the literature's script has it.

    Args:
        generated: (N, 2) x, y in pixels, NaN where a point was not found.
        reference: likewise.
    """
    both = _found(generated) & _found(reference)
    return float(np.abs(generated[both] - reference[both]).mean()) if both.any() else math.nan


def missing_keypoint_rate(generated: Points, reference: Points) -> float:
    """Share of the reference frame's points that the generated frame lacks; NaN where the reference has none."""
    expected = _found(reference)
    return float((~_found(generated)[expected]).mean()) if expected.any() else math.nan


def _found(points: Points) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(points).all(axis=1))
