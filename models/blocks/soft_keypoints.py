"""Keypoints as expectations over heatmaps, and heatmaps drawn around keypoints.

Positions are x, y in [-1, 1], -1 and 1 at the centres of the border cells of the map they were read from.
"""

import torch
from torch import Tensor

from lia_bench.models.blocks.coordinate_grid import coordinate_grid


def spatial_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Heatmaps (B, K, h, w) that sum to 1 over positions, from logits of that shape; float32 under autocast."""
    batch, count, height, width = logits.shape
    flat = logits.float().reshape(batch, count, height * width) / temperature
    return flat.softmax(dim=-1).reshape(batch, count, height, width)


def expected_position(heatmaps: Tensor) -> Tensor:
    """Mean position (B, K, 2) of heatmaps (B, K, h, w)."""
    height, width = heatmaps.shape[2:]
    grid = coordinate_grid(height, width, like=heatmaps)
    x = (heatmaps.sum(dim=2) * grid[0, :, 0]).sum(dim=-1)
    y = (heatmaps.sum(dim=3) * grid[:, 0, 1]).sum(dim=-1)
    return torch.stack((x, y), dim=-1)


def gaussian_heatmaps(position: Tensor, variance: float, height: int, width: int) -> Tensor:
    """exp(-|z - p|^2 / (2 variance)) around positions (B, K, 2): (B, K, height, width), 1 at the keypoint."""
    grid = coordinate_grid(height, width, like=position)
    along_x = (grid[0, :, 0] - position[..., :1]) ** 2
    along_y = (grid[:, 0, 1] - position[..., 1:]) ** 2
    return torch.exp(-(along_y[..., :, None] + along_x[..., None, :]) / (2 * variance))
