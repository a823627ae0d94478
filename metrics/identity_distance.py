"""How far apart two identities are: AED, the distance of their features, and CSIM, the cosine of their embeddings."""

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


class CosineSimilarity(FrameMetric):
    """CSIM of the literature: frames in which either side shows no subject are missing; embeddings (B, D)."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) cosines."""
        mine, theirs = generated.double(), reference.double()
        lengths = torch.linalg.vector_norm(mine, dim=1) * torch.linalg.vector_norm(theirs, dim=1)
        similarity: Tensor = (mine * theirs).sum(dim=1) / lengths
        return similarity


class CosineSimilarityOrZero(CosineSimilarity):
    """CSIM, strict: a generated frame without a subject counts 0, as similar as strangers are."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) cosines."""
        lost = generated.isnan().any(dim=1) & ~reference.isnan().any(dim=1)
        return super().score(generated, reference).masked_fill(lost, 0.0)
