"""The terms that face-vid2vid is trained on beside those it shares with FOMM, unweighted."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.fvv.head_pose import HeadMotion
from lia_bench.models.fvv.hopenet import HeadAngles

# Squared distance below which two keypoints repel each other.
SQUARED_DISTANCE = 0.1
MEAN_DEPTH = 0.33


def equivariance(driving: Tensor, transformed: Tensor, transformation: PlaneTransformation) -> Tensor:
    """Mean |p_driving - T(p_transformed)| of x and y of keypoints (B, K, 3) (face-vid2vid appendix A)."""
    return F.l1_loss(driving[..., :2], transformation.apply(transformed[..., :2]))


def keypoint_prior(keypoints: Tensor) -> Tensor:
    """What keeps keypoints (B, K, 3) apart and at their depth (face-vid2vid appendix A).

    The sum over all ordered pairs of the mean max(0, 0.1 - d^2), d their distance, and the mean |z - 0.33|, z the mean
    over a head's keypoints. A point with itself counts 0.1 as well, as in the re-implementation.
    """
    squares = ((keypoints[:, :, None] - keypoints[:, None]) ** 2).sum(dim=-1)
    apart = F.relu(SQUARED_DISTANCE - squares).sum(dim=(1, 2)).mean()
    return apart + (keypoints[..., 2].mean(dim=1) - MEAN_DEPTH).abs().mean()


def head_pose_difference(motion: HeadMotion, truth: HeadAngles) -> Tensor:
    """Mean absolute differences of yaw, pitch and roll in degrees, summed (face-vid2vid appendix A)."""
    pairs = ((motion.yaw, truth.yaw), (motion.pitch, truth.pitch), (motion.roll, truth.roll))
    return torch.stack([F.l1_loss(one, other) for one, other in pairs]).sum()


def expression_size(motion: HeadMotion) -> Tensor:
    """Mean over the batch of the L1 norm of all offsets of a head's expression (face-vid2vid appendix A)."""
    return motion.expression.abs().sum(dim=(1, 2)).mean()
