"""Silent lip stability: how much the mouth moves while nothing is said."""

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.theval.faces import OUTER_EYE_CORNERS, SIDE, SMALLEST_DISTANCE, Floats, inner_lips, scaled
from lia_bench.metrics.theval.speech_frames import silent_frames
from lia_bench.metrics.theval.video_metric import FaceMetric, VideoFacts, VideoScore, counted

FEWEST_FRAMES = 2


def mouth_gaps(points: Floats) -> Floats:
    """(T,) mean vertical gap of the inner lips over the distance of the outer eye corners, of points in one unit.

    NaN without a face, and where the corners are nearer than SMALLEST_DISTANCE.
    """
    upper, lower = inner_lips(points)
    gaps = np.abs(upper[:, :, 1] - lower[:, :, 1]).mean(axis=1)
    first, second = (points[:, corner] for corner in OUTER_EYE_CORNERS)
    eyes = np.linalg.norm(first - second, axis=1)
    relative: Floats = np.divide(gaps, eyes, out=np.full(len(points), np.nan), where=eyes >= SMALLEST_DISTANCE)
    return relative


def lip_stability(gaps: Floats) -> float | None:
    """Median of the absolute deviations of the gaps from their mean (not from their median).

    Args:
        gaps: (F,) of the silent frames with a face.

    Returns:
        the value in distances of the eyes; None of fewer than two frames.
    """
    return float(np.median(np.abs(gaps - gaps.mean()))) if len(gaps) >= FEWEST_FRAMES else None


class SilentLipStability(FaceMetric):
    """Of the frames in pauses of 0.3 seconds and more; where nobody speaks at all, of all frames."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        if video.speech is None:
            return VideoScore(None, 0, 0, video.silence)
        silent = silent_frames(video.speech.stretches, video.fps, len(points))
        gaps = mouth_gaps(scaled(points, SIDE, SIDE))
        faces = np.isfinite(gaps)
        reason = "fewer than two silent frames with a face" if silent.any() else "no pause in its speech"
        return counted(lip_stability(gaps[faces & silent]), faces, silent, reason)
