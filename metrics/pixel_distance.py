"""Distances of pixels: L1, the mean absolute difference, and PSNR, the mean squared error on a logarithmic scale."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric


class L1(FrameMetric):
    """Mean of |generated - reference| over pixels and channels of images in [0, 1] (LIA, section 5.2).

    >>> metric = L1()
    >>> metric.update(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.25))
    >>> metric.update(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.75))
    >>> float(metric.compute()), int(metric.valid_frames)
    (0.5, 4)
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """L1 of each frame, summed in 64 bits."""
        return (generated - reference).abs().mean(dim=(1, 2, 3), dtype=torch.float64)


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
