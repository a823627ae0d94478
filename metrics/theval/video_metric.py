"""Metrics of one video alone: of what an extractor says of all its frames, in their order, and of its sound.

Face points are known by their numbers in MediaPipe's mesh. They are (T, N, 2) float64, x and y; a frame without a face
is NaN throughout.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.registry import load_attribute
from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES
from lia_bench.metrics.specification import ScoringSetting

NO_FACE = "no face in any frame"

Stretch = tuple[float, float]
"""Begin and end in seconds."""

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

# fmt: off
LIPS = np.array([
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270, 291,
    308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
])
# fmt: on
LEFT_BROW = np.array([276, 282, 283, 285, 293, 295, 296, 300, 334, 336])
LEFT_EYE = np.array([249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466])
RIGHT_BROW = np.array([46, 52, 53, 55, 63, 65, 66, 70, 105, 107])
RIGHT_EYE = np.array([7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246])
UPPER_INNER_LIPS = np.array([191, 80, 81, 82, 13, 312, 311, 310])
LOWER_INNER_LIPS = np.array([95, 88, 178, 87, 14, 317, 402, 318])
"""Each below the upper one of the same place; the pair 415-324 is left out, so that they are not symmetric."""
LEFT_EYE_CORNERS = np.array([362, 263])
RIGHT_EYE_CORNERS = np.array([33, 133])
OUTER_EYE_CORNERS = (33, 263)

SIDE = 256
"""Of the square that frames are squeezed into where a metric counts in 1/256 of width and height."""

SMALLEST_DISTANCE = 0.001
"""Of the eyes, in the unit of the points: what is nearer shows no face that could be measured by it."""


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


def found(points: Floats) -> Marks:
    """(T,) whether a frame of (T, N, 2) points shows a face."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)))


def scaled(points: Floats, width: float, height: float) -> Floats:
    """Points in fractions of width and height to another unit."""
    return points * np.array([width, height], dtype=np.float64)


def inner_lips(points: Floats) -> tuple[Floats, Floats]:
    """(T, 8, 2) the upper points, and the lower ones below them."""
    return points[:, UPPER_INNER_LIPS], points[:, LOWER_INNER_LIPS]
