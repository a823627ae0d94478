"""What the networks see of keypoints: heatmaps and displacements (Monkey-Net section 3.4)."""

import torch
from torch import Tensor

from lia_bench.models.blocks.keypoints import covariance_heatmaps
from lia_bench.models.monkeynet.configuration import HeatmapDivisor
from lia_bench.models.monkeynet.keypoint_detector import Keypoints


def heatmaps(keypoints: Keypoints, divisor: HeatmapDivisor, height: int, width: int) -> Tensor:
    """Gaussians (B, K, height, width) of the keypoints' covariances, of peak 1, divided as configured."""
    drawn = covariance_heatmaps(keypoints.position, keypoints.covariance, height, width)
    return drawn / (drawn.sum(dim=(-2, -1), keepdim=True) if divisor == "sum" else divisor)


def heatmap_difference(
    source: Keypoints, driving: Keypoints, divisor: HeatmapDivisor, height: int, width: int
) -> Tensor:
    """Driving less source heatmaps, (B, K, height, width)."""
    return heatmaps(driving, divisor, height, width) - heatmaps(source, divisor, height, width)


def displacements(source: Keypoints, driving: Keypoints) -> Tensor:
    """From the driving to the source positions, (B, K + 1, 2); first the background, which stands still."""
    moved = source.position - driving.position
    return torch.cat((torch.zeros_like(moved[:, :1]), moved), dim=1)
