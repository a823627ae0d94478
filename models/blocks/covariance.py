"""Keypoints with an extent: the covariance of a heatmap, and heatmaps drawn with one (Monkey-Net, MRAA).

Positions are x, y in [-1, 1], as in `soft_keypoints`; covariances are in the squares of these units.
"""

import torch
from torch import Tensor

from lia_bench.models.blocks.coordinate_grid import coordinate_grid
from lia_bench.models.blocks.matrices import apply, inverse


def expected_covariance(heatmaps: Tensor, position: Tensor) -> Tensor:
    """Covariance (B, K, 2, 2) of heatmaps (B, K, h, w) around positions (B, K, 2)."""
    height, width = heatmaps.shape[2:]
    grid = coordinate_grid(height, width, like=heatmaps)
    along_x = grid[0, :, 0] - position[..., :1]
    along_y = grid[:, 0, 1] - position[..., 1:]
    x_x = (heatmaps.sum(dim=2) * along_x**2).sum(dim=-1)
    y_y = (heatmaps.sum(dim=3) * along_y**2).sum(dim=-1)
    x_y = ((heatmaps * along_x[..., None, :]).sum(dim=-1) * along_y).sum(dim=-1)
    return torch.stack((x_x, x_y, x_y, y_y), dim=-1).reshape(*position.shape, 2)


def covariance_heatmaps(position: Tensor, covariance: Tensor, height: int, width: int) -> Tensor:
    """exp(-(z - p)^T C^-1 (z - p) / 2) around positions (B, K, 2): (B, K, height, width), 1 at the keypoint.

    `covariance`: C, (B, K, 2, 2); a singular one gives values that are not finite.
    """
    offset = coordinate_grid(height, width, like=position) - position[:, :, None, None]
    weighted = apply(inverse(covariance)[:, :, None, None], offset)
    return torch.exp(-(offset * weighted).sum(dim=-1) / 2)
