"""From a source frame and two sets of keypoints to the driving frame's picture (FOMM section 3.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import AntiAliasDownsample
from lia_bench.models.blocks.dense_motion import (
    KEYPOINT_VARIANCE,
    DenseMotion,
    MotionBlending,
    MotionEvolution,
    affine_motions,
    evolved,
    with_background,
)
from lia_bench.models.blocks.hourglass import encoder_decoder
from lia_bench.models.blocks.keypoints import heatmap_difference
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.warping import resize_flow, resize_map, warp
from lia_bench.models.fomm.configuration import FommModel
from lia_bench.models.fomm.keypoint_detector import Keypoints


class EncodedSource(NamedTuple):
    """What the generator needs of a source frame: features (B, C, h, w), and the frame as dense motion sees it."""

    features: Tensor
    small: Tensor


class Generated(NamedTuple):
    """Frames (B, 3, H, W) in [0, 1], and the motion they were made by."""

    frames: Tensor
    motion: DenseMotion


class Generator(nn.Module):
    """Dense motion, and an encoder-decoder whose features are warped by it and masked where nothing can be seen."""

    def __init__(self, configuration: FommModel) -> None:
        super().__init__()
        self.align_corners = configuration.align_corners
        motion = configuration.dense_motion
        self.downsample = AntiAliasDownsample(3, motion.scale)
        self.dense_motion = MotionBlending(
            configuration.keypoints + 1,
            motion.expansion,
            motion.cap,
            motion.blocks,
            configuration.align_corners,
            configuration.estimate_occlusion_map,
        )
        evolution = configuration.motion_evolution
        self.motion_evolution = MotionEvolution(evolution) if evolution else None
        self.stem, self.down, self.residual, self.up, self.output = encoder_decoder(configuration.generator)

    def forward(self, source: Tensor, source_keypoints: Keypoints, driving_keypoints: Keypoints) -> Generated:
        """The source (B, 3, H, W) in [0, 1] moved from its keypoints to the driving keypoints."""
        return self.render(self.encode(source), source_keypoints, driving_keypoints)

    def encode(self, source: Tensor) -> EncodedSource:
        """The part that depends on the source (B, 3, H, W) alone."""
        features = self.stem(source)
        for down in self.down:
            features = down(features)
        return EncodedSource(features, self.downsample(source))

    def render(self, source: EncodedSource, source_keypoints: Keypoints, driving_keypoints: Keypoints) -> Generated:
        """Frames for an encoded source and keypoints of the same batch size."""
        height, width = source.features.shape[2:]
        motion = self.motion(source.small, source_keypoints, driving_keypoints)
        record_flow(motion.flow, self.align_corners)
        record_masks(motion.occlusion)
        features = warp(source.features, resize_flow(motion.flow, height, width), self.align_corners)
        features = features * resize_map(motion.occlusion, height, width)
        for block in (*self.residual, *self.up):
            features = block(features)
        return Generated(torch.sigmoid(self.output(features).float()), motion)

    def motion(self, small: Tensor, source: Keypoints, driving: Keypoints) -> DenseMotion:
        """Dense motion from the down-sampled source (B, 3, h, w) and the keypoints."""
        height, width = small.shape[2:]
        heatmaps = heatmap_difference(source.position, driving.position, KEYPOINT_VARIANCE, height, width)
        motion = self.dense_motion(small, heatmaps, part_motions(source, driving, height, width))
        return evolved(motion, self.motion_evolution)


def part_motions(source: Keypoints, driving: Keypoints, height: int, width: int) -> Tensor:
    """For the background and each keypoint the source position of each driving pixel: (B, K + 1, height, width, 2).

    The background stands still; keypoint k moves z to J_s J_d^-1 (z - p_d) + p_s.
    """
    matrix = multiply(source.jacobian, inverse(driving.jacobian))
    return with_background(affine_motions(matrix, source.position, driving.position, height, width))
