"""From a source frame and two sets of keypoints to a picture, through a volume (face-vid2vid section 3.2)."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import VolumeGeneratorConfiguration, VolumeMotionConfiguration
from lia_bench.models.blocks.convolution import ConvolutionBlock, DownBlock
from lia_bench.models.blocks.flow_recording import record_flow
from lia_bench.models.blocks.volume_blocks import VolumeResidualBlock
from lia_bench.models.blocks.volume_motion import VolumeDenseMotion, VolumeMotion
from lia_bench.models.blocks.warping import warp


class EncodedSource(NamedTuple):
    """What the generator needs of a source frame: its volume (B, C, D, h, w), and that as dense motion sees it."""

    volume: Tensor
    compressed: Tensor


class Generated(NamedTuple):
    """Frames (B, 3, H, W) in [0, 1], and the motion they were made by."""

    frames: Tensor
    motion: VolumeMotion


class VolumeGenerator(nn.Module):
    """The source as a volume of features, warped by a flow in three dimensions, and decoded in the plane.

    A subclass sets `decoder`: from features (B, widths[-1], h, w) to the logits of the frame.

    Attributes:
        widths: channels at the frame's size, and after each halving.
    """

    decoder: nn.Module

    def __init__(
        self, shape: VolumeGeneratorConfiguration, motion: VolumeMotionConfiguration, keypoints: int, depth: int
    ) -> None:
        """`depth`: of the volume, in voxels."""
        super().__init__()
        self.depth = depth
        widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.down_blocks + 1)]
        self.widths = widths
        folded = shape.volume_channels * depth
        self.stem = ConvolutionBlock(3, widths[0], shape.stem_kernel)
        self.down = nn.ModuleList(DownBlock(*pair) for pair in pairwise(widths))
        self.unfold = nn.Conv2d(widths[-1], folded, 1)
        self.volume_blocks = nn.ModuleList(VolumeResidualBlock(shape.volume_channels) for _ in range(shape.blocks))
        self.dense_motion = VolumeDenseMotion(motion, keypoints, shape.volume_channels, depth)
        self.fold = FoldedConvolution(folded, widths[-1])
        self.mix = nn.Conv2d(widths[-1], widths[-1], 1)

    def forward(self, source: Tensor, source_keypoints: Tensor, driving_keypoints: Tensor) -> Generated:
        """The source (B, 3, H, W) in [0, 1] moved from its keypoints to the driving keypoints, (B, K, 3) each."""
        return self.render(self.encode(source), source_keypoints, driving_keypoints)

    def encode(self, source: Tensor) -> EncodedSource:
        """The part that depends on the source (B, 3, H, W) alone."""
        features = self.stem(source)
        for down in self.down:
            features = down(features)
        volume = self.unfold(features).unflatten(1, (-1, self.depth))
        for block in self.volume_blocks:
            volume = block(volume)
        return EncodedSource(volume, self.dense_motion.compress(volume))

    def render(self, source: EncodedSource, source_keypoints: Tensor, driving_keypoints: Tensor) -> Generated:
        """Frames for an encoded source and keypoints of the same batch size."""
        motion = self.dense_motion(source.compressed, source_keypoints, driving_keypoints)
        record_flow(motion.flow, align_corners=False)
        warped = warp(source.volume, motion.flow, align_corners=False)
        features = self.mix(self.fold(warped.flatten(1, 2))) * motion.occlusion
        return Generated(torch.sigmoid(self.decoder(features).float()), motion)


class FoldedConvolution(nn.Module):
    """Convolution 3x3 of a volume folded into the plane, batch norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return F.leaky_relu(self.normalisation(self.convolution(features)))
