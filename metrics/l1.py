"""L1: the mean absolute difference, the literature's reconstruction loss."""

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
