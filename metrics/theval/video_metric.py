"""Metrics of one video alone: of what an extractor says of all its frames, in their order, and of its sound."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.registry import load_attribute
from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES
from lia_bench.metrics.specification import ScoringSetting
from lia_bench.metrics.theval.faces import Floats, Marks, found

NO_FACE = "no face in any frame"

Stretch = tuple[float, float]
"""Begin and end in seconds."""


@dataclass(frozen=True)
class Speech:
    """The sound of a video, and where it is speech.

    Attributes:
        samples: (N,) float32 in [-1, 1], one channel.
        rate: samples a second.
        stretches: begins and ends in seconds.
    """

    samples: NDArray[np.float32]
    rate: int
    stretches: Sequence[Stretch]


@dataclass(frozen=True)
class VideoFacts:
    """What a metric may know of a video beside what its extractor says.

    Attributes:
        width: of the frames that the extractor saw, in pixels.
        height: likewise.
        fps: mean frames a second.
        speech: None where there is none to be had.
        silence: why there is none; empty where there is.
    """

    width: int
    height: int
    fps: float
    speech: Speech | None
    silence: str = ""


@dataclass(frozen=True)
class VideoScore:
    """A metric on one video.

    Attributes:
        value: None where there is none.
        valid_frames: that the value is from.
        missing_frames: that belonged to it and showed no face.
        reason: why there is no value; empty where there is.
    """

    value: float | None
    valid_frames: int
    missing_frames: int
    reason: str = ""


class VideoMetric(ABC):
    """A number of one video; it holds nothing of the videos before."""

    @abstractmethod
    def score(self, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """Of what the metric's extractor says of all frames, (T, *shape), NaN where it found nothing."""


class FrameQuality(VideoMetric):
    """The mean over the frames of what a network says of a picture's quality, where it could judge it."""

    def score(self, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `VideoMetric.score`; rows are (T, 1)."""
        judged = np.isfinite(rows[:, 0])
        missing = int((~judged).sum())
        if missing == len(rows):
            return VideoScore(None, 0, missing, NO_FACE)
        return VideoScore(float(rows[judged, 0].mean(dtype=np.float64)), len(rows) - missing, missing)


class FaceMetric(VideoMetric):
    """One of the face points of MediaPipe's landmarker."""

    def score(self, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `VideoMetric.score`."""
        points = FACES.part(rows, POINTS).astype(np.float64)
        if not found(points).any():
            return VideoScore(None, 0, len(rows), NO_FACE)
        return self.measure(points / np.array([video.width, video.height]), rows, video)

    @abstractmethod
    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """Of the points (T, 478, 2) in fractions of width and height, of which at least one frame shows a face."""


def open_video(reference: str, setting: ScoringSetting) -> Callable[[], VideoMetric]:
    """What makes the metric 'package.module:name'."""
    kind: type[VideoMetric] = load_attribute(reference)
    return kind


def counted(value: float | None, faces: Marks, counts: Marks, reason: str) -> VideoScore:
    """The score of the frames that count, of which some show a face; without a value none of them is behind it."""
    valid = int((faces & counts).sum()) if value is not None else 0
    return VideoScore(value, valid, int((counts & ~faces).sum()), "" if value is not None else reason)
