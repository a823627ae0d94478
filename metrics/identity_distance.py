"""CSIM: cosine similarity of identity embeddings."""

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric


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
