"""AED: average Euclidean distance between identity features."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric


class SquaredDistance(FrameMetric):
    """AED of the literature, which in spite of its name is the squared distance between features (B, D)."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) squared differences, summed over the dimensions."""
        return (generated.double() - reference.double()).square().sum(dim=1)


class FeatureDistance(FrameMetric):
    """AED, strict: the Euclidean distance between features (B, D)."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) distances."""
        distance: Tensor = torch.linalg.vector_norm(generated.double() - reference.double(), dim=1)
        return distance
