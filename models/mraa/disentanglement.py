"""Regions as the flat vectors of animation via disentanglement (MRAA section 3.5)."""

from collections.abc import Callable

import torch
from torch import Tensor

from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.mraa.region_predictor import Regions, axis_sign

# Numbers that a region is told by: two of its shift and four of its affine.
REGION_VALUES = 6


def disentangled(network: Callable[[Tensor, Tensor], Tensor], identity: Regions, pose: Regions) -> Regions:
    """Regions (B, K) of the subject of `identity` in the pose of `pose`, of the same batch size.

    `network` is a DisentanglementNetwork of K * REGION_VALUES values.
    """
    # The same orientation on both sides, so that the network need not know of it.
    turned = identity.affine * axis_sign(multiply(identity.affine, inverse(pose.affine)))
    values = network(_flat(identity.shift, turned), _flat(pose.shift, pose.affine))
    values = values.float().reshape(*pose.shift.shape[:2], REGION_VALUES)
    affine = values[..., 2:].reshape(pose.affine.shape)
    return Regions(values[..., :2], multiply(affine, affine.mT), affine)


def _flat(shift: Tensor, affine: Tensor) -> Tensor:
    """(B, K * 6): of each region x and y, then the rows of its matrix."""
    return torch.cat((shift, affine.flatten(2)), dim=2).flatten(1)
