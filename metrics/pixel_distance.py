"""PSNR: the mean squared error of a clip on a logarithmic scale."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric


class PSNR(FrameMetric):
    """10 log10(1 / MSE) with the mean squared error over all pixels, channels and frames of the clip.

    Taking the logarithm once a clip keeps a first frame that equals its source from making the mean infinite. A clip
    that equals its reference is infinite.
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Mean squared error of each frame, summed in 64 bits."""
        return (generated - reference).square().mean(dim=(1, 2, 3), dtype=torch.float64)

    def compute(self) -> Tensor:
        """Decibels from the mean squared error."""
        return -10 * torch.log10(super().compute())
