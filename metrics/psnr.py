"""PSNR: the mean squared error of a clip on a logarithmic scale."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from lia_bench.metrics.scorer import FrameScorer, ScoringSetting
from lia_bench.metrics.specification import MetricSpecification


class PsnrScorer(FrameScorer):
    """10 log10(1 / MSE) with the mean squared error over all pixels, channels and frames of the clip.

    Taking the logarithm once a clip keeps a first frame that equals its source from making the mean infinite.
    """

    def __init__(self, setting: ScoringSetting) -> None:
        """Works in every setting."""

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """Mean squared error of each frame, in 64-bit arithmetic."""
        return {"psnr": (generated.double() - reference.double()).square().mean(dim=(1, 2, 3)).tolist()}

    def conclude(self, mean: float) -> float:
        """Decibels from the clip's mean squared error; infinite where the clip equals its reference."""
        return -10 * math.log10(mean) if mean > 0 else math.inf


METRIC = MetricSpecification(
    name="psnr",
    summary="peak signal-to-noise ratio in dB, from the clip's mean squared error",
    better="higher",
    decimals=2,
    scorer=PsnrScorer,
)
