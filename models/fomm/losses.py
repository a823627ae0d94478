"""The terms that FOMM is trained on, unweighted."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import ImagePyramid
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.fomm.keypoint_detector import Keypoints


class PyramidDifference(nn.Module):
    """Mean absolute difference of two images, summed over the scales of a pyramid."""

    def __init__(self, scales: Sequence[float]) -> None:
        super().__init__()
        self.pyramid = ImagePyramid(scales)

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Scalar, of (B, 3, H, W) images."""
        # The pyramid is linear, so one pyramid of the difference does for both images.
        levels = self.pyramid(generated - target)
        return torch.stack([level.abs().mean() for level in levels]).sum()


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


def feature_matching(generated: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of the discriminator's inner maps, summed over its blocks."""
    return torch.stack([F.l1_loss(one, other) for one, other in zip(generated, real, strict=True)]).sum()


def generator_adversarial(score: Tensor) -> Tensor:
    """Least-squares loss of a generator whose frames the discriminator scored: mean (1 - D)^2."""
    return ((1 - score.float()) ** 2).mean()


def discriminator_adversarial(real: Tensor, generated: Tensor) -> Tensor:
    """Least-squares loss of the discriminator: mean (1 - D(real))^2 + D(generated)^2."""
    return ((1 - real.float()) ** 2 + generated.float() ** 2).mean()
