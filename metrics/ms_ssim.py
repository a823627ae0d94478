"""MS-SSIM: structural similarity over five scales, as torchmetrics computes it."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from lia_bench.metrics.scorer import FrameScorer, ScoringSetting, UnavailableMetricError
from lia_bench.metrics.specification import MetricSpecification

# The literature's "above 160 pixels": four halvings, each rounded down, must leave an 11x11 window.
SMALLEST_SIDE = 176
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class MsSsimScorer(FrameScorer):
    """Wang et al., 2003: five scales by 2x2 averaging, SSIM's window, negative terms set to 0."""

    def __init__(self, setting: ScoringSetting) -> None:
        """Raises UnavailableMetricError for frames too small for five scales."""
        if min(setting.height, setting.width) < SMALLEST_SIDE:
            raise UnavailableMetricError(
                f"MS-SSIM needs sides above 160 pixels (at least {SMALLEST_SIDE}): "
                f"these frames are {setting.width}x{setting.height}"
            )

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """MS-SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

        def similarity(mine: Tensor, theirs: Tensor) -> float:
            value = multiscale_structural_similarity_index_measure(
                mine, theirs, sigma=1.5, data_range=1.0, k1=0.01, k2=0.03, betas=SCALE_WEIGHTS, normalize="relu"
            )
            return float(value)

        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        return {"ms_ssim": [similarity(*pair) for pair in zip(generated.split(1), reference.split(1), strict=True)]}


METRIC = MetricSpecification(
    name="ms_ssim",
    summary="structural similarity over five scales",
    better="higher",
    decimals=4,
    scorer=MsSsimScorer,
)
