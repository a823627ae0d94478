"""Distances of what an extractor says of two frames: AED and CSIM of identities, AKD and MKR of keypoints.

Features of identities are (B, D), NaN where no subject was found. Keypoints are (B, N, 2) x, y in pixels, NaN where a
point was not found.
"""

import math

import torch
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import ScoringSetting


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


class CoordinateDifference(FrameMetric):
    """AKD of the literature: mean of |dx| and |dy| over the points found in both frames, in pixels.

    Half the city-block distance, as the published script has it. Frames without a common point are missing.
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of keypoints (B, N, 2)."""
        return (generated.double() - reference.double()).abs().nanmean(dim=(1, 2))


class EuclideanDistance(FrameMetric):
    """AKD, strict: mean Euclidean distance over the points of the true frame, in pixels.

    A point that the generated frame lacks counts as far off as the picture's corners are from its middle, so that
    losing the subject never pays. Frames whose true frame shows no point are missing.
    """

    of_setting = True

    def __init__(self, setting: ScoringSetting) -> None:
        super().__init__()
        self.penalty = math.hypot(setting.height, setting.width) / 2

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of keypoints (B, N, 2)."""
        distance: Tensor = torch.linalg.vector_norm(generated.double() - reference.double(), dim=2)
        lost = ~_found(generated) & _found(reference)
        return distance.masked_fill(lost, self.penalty).nanmean(dim=1)


class MissingRate(FrameMetric):
    """MKR of the literature: share of a true frame's points that the generated frame lacks, mean over frames.

    Points that only the generated frame shows cost nothing; frames whose true frame shows no point are missing.
    """

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of keypoints (B, N, 2)."""
        expected = _found(reference)
        lost = expected & ~_found(generated)
        return lost.sum(dim=1).double() / expected.sum(dim=1).double()


class PooledMissingRate(MissingRate):
    """MKR, strict: share of all points of the true frames, so that every point counts alike."""

    def frame_weights(self, reference: Tensor) -> Tensor:
        """(B,) points of the true frame."""
        return _found(reference).sum(dim=1).double()


def _found(points: Tensor) -> Tensor:
    return points.isfinite().all(dim=2)
