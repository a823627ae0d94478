"""The terms that FOMM is trained on, unweighted."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.fomm.keypoint_detector import Keypoints


def equivariance_value(driving: Keypoints, transformed: Keypoints, transformation: PlaneTransformation) -> Tensor:
    """Mean |p_driving - T(p_transformed)|: keypoints follow a transformation of the frame (FOMM section 3.3)."""
    return F.l1_loss(driving.position, transformation.apply(transformed.position))


def equivariance_jacobian(driving: Keypoints, transformed: Keypoints, transformation: PlaneTransformation) -> Tensor:
    """Mean |1 - J_driving^-1 T'(p_transformed) J_transformed|: so do the Jacobians.

    T' is written out, so the term needs no gradient inside and can be computed under `no_grad`, unlike the
    authors'; it is a function of the transformed keypoints, and gradients flow to them through it too.
    """
    carried = multiply(transformation.jacobian(transformed.position), transformed.jacobian)
    product = multiply(inverse(driving.jacobian), carried)
    return (torch.eye(2, dtype=product.dtype, device=product.device) - product).abs().mean()
