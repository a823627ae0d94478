"""MS-SSIM: structural similarity over five scales, to the definition of torchmetrics."""

import torch
from torch import Tensor
from torch.nn import functional

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.setting import ScoringSetting, UnavailableMetricError
from lia_bench.metrics.specification import MetricSpecification
from lia_bench.metrics.structural_similarity import contrast, similarity

# The literature's "above 160 pixels": four halvings, each rounded down, must leave an 11x11 window.
SMALLEST_SIDE = 176
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class MultiScaleSSIM(FrameMetric):
    """Wang et al., 2003: five scales by 2x2 averaging, SSIM's window, negative terms set to 0."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """MS-SSIM of each frame, in single precision: within 1e-5 of 64-bit arithmetic and many times faster."""
        # One frame at a time: on a CPU the temporaries of a batch cost more than the arithmetic.
        pairs = zip(generated.split(1), reference.split(1), strict=True)
        return torch.cat([_over_scales(mine, theirs) for mine, theirs in pairs])


def _over_scales(generated: Tensor, reference: Tensor) -> Tensor:
    """(B,) product over scales of contrast, and at the coarsest of SSIM, each to its weight."""
    product = torch.ones(len(generated), device=generated.device)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        factor = similarity if scale == len(SCALE_WEIGHTS) - 1 else contrast
        product = product * factor(generated, reference).relu() ** weight
        generated, reference = (functional.avg_pool2d(images, 2) for images in (generated, reference))
    return product


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
