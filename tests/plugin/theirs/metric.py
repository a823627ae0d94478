"""The metric: how far apart two frames are in their mean colours."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import MetricSpecification


class ColourDifference(FrameMetric):
    """Mean absolute difference of the frames' mean red, green and blue."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) for images (B, 3, H, W) in [0, 1], summed in 64 bits."""
        means = (images.mean(dim=(2, 3), dtype=torch.float64) for images in (generated, reference))
        return torch.sub(*means).abs().mean(dim=1)


DEFINITION = MetricSpecification(
    name="colour",
    alias="colour",
    subjects=(),
    summary="difference of the frames' mean colours, images in [0, 1]",
    better="lower",
    decimals=4,
    open=lambda setting: ColourDifference,
)
