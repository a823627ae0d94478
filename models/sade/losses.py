"""The term that only SADE's keypoints are trained on, unweighted."""

import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.equivariance import PlaneTransformation


def equivariance(driving: Tensor, transformed: Tensor, transformation: PlaneTransformation) -> Tensor:
    """Mean |F_K(D) - T(F_K(T D))| of keypoints (B, K, 2): they follow a transformation of the frame (equation 8)."""
    return F.l1_loss(driving, transformation.apply(transformed))
