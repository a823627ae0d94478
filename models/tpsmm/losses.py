"""The terms that TPSMM is trained on, unweighted (TPSMM section 3.3)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.matrices import multiply


def equivariance_value(driving: Tensor, transformed: Tensor, transformation: PlaneTransformation) -> Tensor:
    """Mean |p_driving - T(p_transformed)| of keypoints (B, K, 2): they follow a transformation of the frame."""
    return F.l1_loss(driving, transformation.apply(transformed))


def warp_difference(warped: Sequence[Tensor], driving: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of warped and driving encoder maps (B, C, h, w), summed over the levels."""
    return torch.stack([F.l1_loss(one, other) for one, other in zip(warped, driving, strict=True)]).sum()


def background_cycle(there: Tensor, back: Tensor) -> Tensor:
    """Mean |1 - M(source, driving) M(driving, source)| over the entries of matrices (B, 3, 3)."""
    return (torch.eye(3, device=there.device) - multiply(there, back)).abs().mean()
