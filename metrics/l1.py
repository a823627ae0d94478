"""L1: the mean absolute difference, the literature's reconstruction loss."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from lia_bench.metrics.scorer import FrameScorer, ScoringSetting
from lia_bench.metrics.specification import MetricSpecification


class L1Scorer(FrameScorer):
    """Mean of |generated - reference| over pixels and channels of images in [0, 1] (LIA, section 5.2)."""

    def __init__(self, setting: ScoringSetting) -> None:
        """Works in every setting."""

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """L1 of each frame, in 64-bit arithmetic."""
        return {"l1": (generated.double() - reference.double()).abs().mean(dim=(1, 2, 3)).tolist()}


METRIC = MetricSpecification(
    name="l1",
    summary="mean absolute difference of images in [0, 1]",
    better="lower",
    decimals=4,
    scorer=L1Scorer,
)
