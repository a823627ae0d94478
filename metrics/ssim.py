"""SSIM: structural similarity, as torchmetrics computes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from lia_bench.metrics.scorer import FrameScorer, ScoringSetting, UnavailableMetricError
from lia_bench.metrics.specification import MetricSpecification

SMALLEST_SIDE = 11


class SsimScorer(FrameScorer):
    """Wang et al., 2004: 11x11 Gaussian window of sigma 1.5, K1 0.01, K2 0.03, range 1, mean over channels.

    The border is reflected and counted.
    """

    def __init__(self, setting: ScoringSetting) -> None:
        """Raises UnavailableMetricError for frames smaller than the window."""
        if min(setting.height, setting.width) < SMALLEST_SIDE:
            raise UnavailableMetricError(
                f"SSIM's window needs sides of at least {SMALLEST_SIDE} pixels: "
                f"these frames are {setting.width}x{setting.height}"
            )

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        from torchmetrics.functional.image import structural_similarity_index_measure

        def similarity(mine: Tensor, theirs: Tensor) -> float:
            value: Any = structural_similarity_index_measure(mine, theirs, sigma=1.5, data_range=1.0, k1=0.01, k2=0.03)
            return float(value)

        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        return {"ssim": [similarity(*pair) for pair in zip(generated.split(1), reference.split(1), strict=True)]}


METRIC = MetricSpecification(
    name="ssim",
    summary="structural similarity, 11x11 Gaussian window of sigma 1.5",
    better="higher",
    decimals=4,
    scorer=SsimScorer,
)
