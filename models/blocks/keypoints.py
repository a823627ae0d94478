"""Keypoints as expectations over heatmaps, and heatmaps drawn around keypoints; in the plane or in a volume.

Positions are x, y or x, y, z in [-1, 1], -1 and 1 at the centres of the border cells of the map they were read from.
Covariances (Monkey-Net, MRAA) are in the squares of these units. A map's size is (height, width) or (depth, height,
width).
"""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import HeatmapConfiguration
from lia_bench.models.blocks.convolution import AntiAliasDownsample
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.small_tensors import apply, inverse
from lia_bench.models.blocks.warping import coordinate_grid


class HeatmapNetwork(nn.Module):
    """An hourglass that sees the shrunk frame and draws a heatmap for each keypoint or region (FOMM section 3.1)."""

    def __init__(self, configuration: HeatmapConfiguration, count: int, padding: int = 0) -> None:
        """`padding`: of the 7x7 convolution that draws.

        Without any, positions span the inner map from -1 to 1, although its border lies inside the frame.
        """
        super().__init__()
        self.temperature = configuration.temperature
        self.downsample = AntiAliasDownsample(3, configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, count, 7, padding=padding)

    def features(self, image: Tensor) -> Tensor:
        """The hourglass' maps of images (B, 3, H, W) in [0, 1]."""
        features: Tensor = self.hourglass(self.downsample(image))
        return features

    def draw(self, image: Tensor) -> Tensor:
        """Heatmaps (B, count, h, w) of images (B, 3, H, W) in [0, 1], each of sum 1."""
        return spatial_softmax(self.heatmaps(self.features(image)), self.temperature)


def spatial_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Heatmaps (B, K, *size) that sum to 1 over positions, from logits of that shape; float32 under autocast."""
    flat = logits.float().flatten(2) / temperature
    return flat.softmax(dim=-1).reshape(logits.shape)


def expected_position(heatmaps: Tensor) -> Tensor:
    """Mean position (B, K, axes) of heatmaps (B, K, *size)."""
    axes = range(2, heatmaps.ndim)
    means = []
    for axis in reversed(axes):
        along = heatmaps.sum(dim=[other for other in axes if other != axis])
        line = coordinate_grid(along.shape[-1], like=heatmaps)[:, 0]
        means.append((along * line).sum(dim=-1))
    return torch.stack(means, dim=-1)


def heatmap_difference(source: Tensor, driving: Tensor, variance: float, *size: int) -> Tensor:
    """Driving less source heatmaps of positions (B, K, axes): (B, K + 1, *size), zeros first (background)."""
    difference = gaussian_heatmaps(driving, variance, *size) - gaussian_heatmaps(source, variance, *size)
    return torch.cat((torch.zeros_like(difference[:, :1]), difference), dim=1)


def gaussian_heatmaps(position: Tensor, variance: float, *size: int) -> Tensor:
    """exp(-|z - p|^2 / (2 variance)) around positions (B, K, axes): (B, K, *size), 1 at the keypoint."""
    total = position.new_zeros(())
    for axis, count in enumerate(reversed(size)):
        squares = (coordinate_grid(count, like=position)[:, 0] - position[..., axis, None]) ** 2
        total = total + squares.reshape(*squares.shape[:2], *(1,) * (len(size) - 1 - axis), count, *(1,) * axis)
    return torch.exp(-total / (2 * variance))


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
