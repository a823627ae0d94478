"""The motion transfer network: from a source frame and two sets of keypoints to a frame (Monkey-Net section 3.3)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import DownBlock, ResidualBlock, UpBlock
from lia_bench.models.blocks.flow_recording import record_flow
from lia_bench.models.blocks.warping import resize_flow, resize_map, warp
from lia_bench.models.monkeynet.configuration import MonkeyNetModel
from lia_bench.models.monkeynet.dense_motion import DenseMotion, DenseMotionNetwork
from lia_bench.models.monkeynet.keypoints import Keypoints, heatmap_difference


class Generated(NamedTuple):
    """Frames, and how they were made.

    Attributes:
        frames: (B, 3, H, W) in [0, 1].
        deformed: (B, 3, H, W), the source warped by the flow.
    """

    frames: Tensor
    deformed: Tensor
    motion: DenseMotion


class Generator(nn.Module):
    """A U-Net whose every skip connection, the image first, is warped by the dense motion; heatmaps beside each."""

    def __init__(self, configuration: MonkeyNetModel) -> None:
        super().__init__()
        shape = configuration.generator
        self.align_corners = configuration.align_corners
        self.divisor = configuration.heatmap_divisor
        self.heatmap_scale = shape.heatmap_scale
        self.resizing = shape.resizing
        self.dense_motion = DenseMotionNetwork(configuration)
        keypoints = configuration.keypoints
        widths = [3, *(min(shape.cap, shape.expansion * 2 ** (index + 1)) for index in range(shape.blocks))]
        self.down = nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in range(shape.blocks))
        self.up = nn.ModuleList()
        deep = widths[-1] + keypoints
        for index in reversed(range(shape.blocks)):
            width = min(shape.cap, shape.expansion * 2**index)
            self.up.append(UpBlock(deep, width))
            deep = width + widths[index] + keypoints
        self.residual = nn.ModuleList(ResidualBlock(deep) for _ in range(shape.residual_blocks))
        self.output = nn.Conv2d(deep, 3, 1)

    def forward(self, source: Tensor, source_keypoints: Keypoints, driving_keypoints: Keypoints) -> Generated:
        """The source (B, 3, H, W) in [0, 1] moved from its keypoints to the driving keypoints."""
        return self.render(self.encode(source), source_keypoints, driving_keypoints)

    def encode(self, source: Tensor) -> list[Tensor]:
        """The source (B, 3, H, W) and its features of half the size, a quarter, ..."""
        levels = [source]
        for down in self.down:
            levels.append(down(levels[-1]))
        return levels

    def render(self, levels: Sequence[Tensor], source_keypoints: Keypoints, driving_keypoints: Keypoints) -> Generated:
        """Frames for an encoded source and keypoints of the same batch size."""
        motion = self.dense_motion(levels[0], source_keypoints, driving_keypoints)
        record_flow(motion.flow, self.align_corners)
        heatmaps = self.heatmaps(levels[0], source_keypoints, driving_keypoints)
        skips = [self._skip(level, motion.flow, heatmaps) for level in levels]
        deformed = skips[0][:, :3]
        features = skips.pop()
        for up in self.up:
            features = torch.cat((up(features), skips.pop()), dim=1)
        for block in self.residual:
            features = block(features)
        return Generated(torch.sigmoid(self.output(features).float()), deformed, motion)

    def heatmaps(self, source: Tensor, source_keypoints: Keypoints, driving_keypoints: Keypoints) -> Tensor:
        """What the decoder sees of the keypoints, (B, K, H scale, W scale), for a source (B, 3, H, W)."""
        height, width = (round(side * self.heatmap_scale) for side in source.shape[2:])
        return heatmap_difference(source_keypoints, driving_keypoints, self.divisor, height, width)

    def _skip(self, level: Tensor, flow: Tensor, heatmaps: Tensor) -> Tensor:
        height, width = level.shape[2:]
        warped = warp(level, resize_flow(flow, height, width, self.resizing), self.align_corners)
        return torch.cat((warped, resize_map(heatmaps, height, width, self.resizing)), dim=1)
