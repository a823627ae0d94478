"""MS-SSIM: structural similarity over five scales, as torchmetrics computes it."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.setting import ScoringSetting, UnavailableMetricError
from lia_bench.metrics.specification import MetricSpecification

# The literature's "above 160 pixels": four halvings, each rounded down, must leave an 11x11 window.
SMALLEST_SIDE = 176
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class MultiScaleSSIM(FrameMetric):
    """Wang et al., 2003: five scales by 2x2 averaging, SSIM's window, negative terms set to 0."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """MS-SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        pairs = zip(generated.split(1), reference.split(1), strict=True)
        return torch.stack([_similarity(mine, theirs) for mine, theirs in pairs])


def _similarity(generated: Tensor, reference: Tensor) -> Tensor:
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    return multiscale_structural_similarity_index_measure(
        generated, reference, sigma=1.5, data_range=1.0, k1=0.01, k2=0.03, betas=SCALE_WEIGHTS, normalize="relu"
    )


def _open(setting: ScoringSetting) -> type[MultiScaleSSIM]:
    if min(setting.height, setting.width) < SMALLEST_SIDE:
        raise UnavailableMetricError(
            f"MS-SSIM needs sides above 160 pixels (at least {SMALLEST_SIDE}): "
            f"these frames are {setting.width}x{setting.height}"
        )
    return MultiScaleSSIM


DEFINITIONS = (
    MetricSpecification(
        name="ms_ssim",
        alias="ms_ssim",
        subjects=(),
        summary="structural similarity over five scales",
        better="higher",
        decimals=4,
        open=_open,
    ),
)
