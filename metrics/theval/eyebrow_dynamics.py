"""Eyebrow dynamics: how much the brows move from frame to frame."""

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.theval.faces import (
    LEFT_BROW,
    LEFT_EYE,
    RIGHT_BROW,
    RIGHT_EYE,
    SMALLEST_DISTANCE,
    Floats,
    found,
    scaled,
)
from lia_bench.metrics.theval.video_metric import FaceMetric, VideoFacts, VideoScore, counted

FEWEST_FRAMES = 2


def eyebrow_dynamics(points: Floats) -> float | None:
    """Mean change, from each frame to the next with a face, of the distances of brow and eye, both sides alike.

    Args:
        points: (T, 478, 2) in pixels.

    Returns:
        the change in distances of both eyes a frame (not a second); None with fewer than two frames with a face.
    """
    left_brow, left_eye, right_brow, right_eye = (
        points[:, part].mean(axis=1) for part in (LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE)
    )
    eyes = np.linalg.norm(left_eye - right_eye, axis=1)
    seen = eyes >= SMALLEST_DISTANCE
    sides = [np.linalg.norm(left_brow - left_eye, axis=1), np.linalg.norm(right_brow - right_eye, axis=1)]
    heights = np.stack(sides, axis=1)[seen] / eyes[seen, None]
    return float(np.abs(np.diff(heights, axis=0)).mean()) if len(heights) >= FEWEST_FRAMES else None


class EyebrowDynamics(FaceMetric):
    """Of all frames with a face, each against the last one that had one."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        every = np.ones(len(points), dtype=bool)
        value = eyebrow_dynamics(scaled(points, video.width, video.height))
        return counted(value, found(points), every, "fewer than two frames with a face")
