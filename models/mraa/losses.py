"""The terms that MRAA is trained on beside the reconstruction, unweighted."""

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.mraa.region_predictor import Regions, axis_sign


def equivariance_shift(driving: Regions, transformed: Regions, transformation: PlaneTransformation) -> Tensor:
    """Mean |shift_driving - T(shift_transformed)|: regions follow a transformation of the frame (MRAA section 3.6)."""
    return F.l1_loss(driving.shift, transformation.apply(transformed.shift))


def equivariance_affine(driving: Regions, transformed: Regions, transformation: PlaneTransformation) -> Tensor:
    """Mean |1 - affine_driving^-1 T'(shift_transformed) affine_transformed|: so do their axes, up to a sign."""
    carried = multiply(transformation.jacobian(transformed.shift), transformed.affine)
    product = multiply(inverse(driving.affine), carried)
    product = product * axis_sign(product)
    return (torch.eye(2, dtype=product.dtype, device=product.device) - product).abs().mean()
