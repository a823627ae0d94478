"""From two sets of keypoints to one flow through the volume, and an occlusion map (face-vid2vid section 3.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import VolumeMotionConfiguration
from lia_bench.models.blocks.coordinate_grid import coordinate_grid
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.soft_keypoints import heatmap_difference
from lia_bench.models.blocks.volume_blocks import VolumeConvolutionBlock, VolumeDownBlock, VolumeUpBlock
from lia_bench.models.blocks.warping import warp_by_each

KEYPOINT_VARIANCE = 0.01


class VolumeMotion(NamedTuple):
    """Where each voxel comes from.

    Attributes:
        flow: (B, D, H, W, 3), positions in the source volume, x, y, z in [-1, 1].
        masks: (B, K + 1, D, H, W), shares of the keypoints' motions after the background's, sum 1.
        occlusion: (B, 1, H, W) in [0, 1]; 0 is hidden in the source.
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


class VolumeDenseMotion(nn.Module):
    """Weighs the keypoints' translations by how well the source volume, warped by each alone, explains the frame."""

    def __init__(self, shape: VolumeMotionConfiguration, keypoints: int, channels: int, depth: int) -> None:
        """`channels`, `depth`: of the source volume."""
        super().__init__()
        parts = keypoints + 1
        self.compress = VolumeConvolutionBlock(channels, shape.compressed, kernel_size=1)
        self.hourglass = Hourglass(
            parts * (1 + shape.compressed),
            shape.expansion,
            shape.cap,
            shape.blocks,
            VolumeDownBlock,
            VolumeUpBlock,
        )
        width = self.hourglass.outputs
        self.last = VolumeConvolutionBlock(width, width)
        kernel, padding = shape.kernel, shape.kernel // 2
        self.masks = nn.Conv3d(width, parts, kernel, padding=padding)
        self.occlusion = nn.Conv2d(width * depth, 1, kernel, padding=padding)

    def forward(self, compressed: Tensor, source: Tensor, driving: Tensor) -> VolumeMotion:
        """Motion for a compressed source volume (B, C, D, H, W) and keypoints (B, K, 3)."""
        motions = part_motions(source, driving, *compressed.shape[2:])
        features = self.last(self.hourglass(self.evidence(compressed, source, driving, motions)))
        masks = self.masks(features).float().softmax(dim=1)
        flow = (masks[..., None] * motions).sum(dim=1)
        return VolumeMotion(flow, masks, torch.sigmoid(self.occlusion(features.flatten(1, 2)).float()))

    def evidence(self, compressed: Tensor, source: Tensor, driving: Tensor, motions: Tensor) -> Tensor:
        """Input of the hourglass: of the background and each keypoint its heatmap, then the volume warped by it."""
        heatmaps = heatmap_difference(source, driving, KEYPOINT_VARIANCE, *compressed.shape[2:])
        warped = warp_by_each(compressed, motions, align_corners=False)
        return torch.cat((heatmaps[:, :, None], warped), dim=2).flatten(1, 2)


def part_motions(source: Tensor, driving: Tensor, depth: int, height: int, width: int) -> Tensor:
    """The source position of each driving voxel by the background, which stands still, and by each keypoint.

    (B, K + 1, depth, height, width, 3) for keypoints (B, K, 3); keypoint k moves z to z - p_driving + p_source.
    """
    grid = coordinate_grid(depth, height, width, like=driving)
    moved = grid - driving[:, :, None, None, None] + source[:, :, None, None, None]
    return torch.cat((grid.expand_as(moved[:, :1]), moved), dim=1)
