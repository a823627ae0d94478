"""Lip dynamics: how much the distances between points of the lips vary over a video."""

import numpy as np
from numpy.typing import NDArray

from lia_bench.metrics.theval.faces import LIPS, SIDE, Floats, found, scaled
from lia_bench.metrics.theval.video_metric import NO_FACE, FaceMetric, VideoFacts, VideoScore, counted


def lip_dynamics(points: Floats) -> float | None:
    """Mean over the 780 pairs of lip points of the standard deviation over frames of their distance.

    Args:
        points: (T, 478, 2) in 1/256 of width and height, the unit of the value.

    Returns:
        the value, which is not divided by the size of the face; None without a face.
    """
    lips = points[found(points)][:, LIPS]
    if not len(lips):
        return None
    deviations = [
        np.linalg.norm(lips[:, place + 1 :] - lips[:, place, None], axis=2).std(axis=0)
        for place in range(len(LIPS) - 1)
    ]
    return float(np.concatenate(deviations).mean())


class LipDynamics(FaceMetric):
    """Of all frames with a face; a video of one is still, which is 0."""

    def measure(self, points: Floats, rows: NDArray[np.float32], video: VideoFacts) -> VideoScore:
        """See `FaceMetric.measure`."""
        every = np.ones(len(points), dtype=bool)
        return counted(lip_dynamics(scaled(points, SIDE, SIDE)), found(points), every, NO_FACE)
