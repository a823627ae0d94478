"""jitter: how much more or otherwise than the driver's the points of a result tremble."""

from collections.abc import Callable

import torch
from torch import Tensor

from lia_bench.metrics.motion.sequence_metric import SequenceMetric
from lia_bench.metrics.specification import ScoringSetting


class Jitter(SequenceMetric):
    """Mean length of the difference between both sides' second differences of points, in per cent of the face's size.

    Second differences, p[t-1] - 2 p[t] + p[t+1], are what steady motion leaves out. The size of each side's face is the
    root of the area of the upright rectangle around its points in the middle frame, so that faces of other sizes and
    shapes compare. Independent noise of s pixels in both coordinates of a point adds 3.07 s to it.
    """

    LOOKS_BACK = 2

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of keypoints (B + 2, N, 2); NaN where the three frames of a side show no common point."""
        mine, true = (_second_differences(points.double()) for points in (generated, reference))
        lengths: Tensor = torch.linalg.vector_norm(mine - true, dim=2)
        return 100 * lengths.nanmean(dim=1)


def open_jitter(setting: ScoringSetting) -> Callable[[], Jitter]:
    """Alike in both protocols: a frame that lost the face has no points to tremble."""
    return Jitter


def _second_differences(points: Tensor) -> Tensor:
    """(B, N, 2) of points (B + 2, N, 2), as shares of the face's size."""
    middle = points[1:-1]
    found = middle.isfinite()
    highest = middle.masked_fill(~found, -torch.inf).amax(dim=1)
    lowest = middle.masked_fill(~found, torch.inf).amin(dim=1)
    size = (highest - lowest).prod(dim=1).sqrt()
    return (points[:-2] - 2 * middle + points[2:]) / size[:, None, None]
