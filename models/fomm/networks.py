"""FOMM's networks: keypoints with local affine motions, learned as a by-product of animation, and the generator.

The generator goes from a source frame and two sets of keypoints to the driving frame's picture (FOMM section 3).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import AntiAliasDownsample, convolve_together
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
from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_position, heatmap_difference, spatial_softmax
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.warping import resize_flow, resize_map, warp
from lia_bench.models.fomm.configuration import FommModel, KeypointDetectorConfiguration


class Keypoints(NamedTuple):
    """Keypoints of a batch of frames.

    Attributes:
        position: (B, K, 2), x, y in [-1, 1].
        jacobian: (B, K, 2, 2), the local linear part of the map from an abstract reference to the frame; the
            identity where it is not estimated.
    """

    position: Tensor
    jacobian: Tensor


class KeypointDetector(HeatmapNetwork):
    """Heatmaps to keypoints, and matrices averaged under the heatmaps."""

    def __init__(
        self, configuration: KeypointDetectorConfiguration, keypoints: int, estimate_jacobian: bool = True
    ) -> None:
        super().__init__(configuration, keypoints)
        self.jacobians: nn.Conv2d | None = None
        if not estimate_jacobian:
            return
        matrices = 1 if configuration.single_jacobian_map else keypoints
        self.jacobians = nn.Conv2d(self.hourglass.outputs, 4 * matrices, 7)
        # Starting at the identity matrix, training begins with pure translations.
        nn.init.zeros_(self.jacobians.weight)
        self.jacobians.bias = nn.Parameter(torch.eye(2).flatten().repeat(matrices))

    def forward(self, image: Tensor) -> Keypoints:
        """Keypoints of images (B, 3, H, W) in [0, 1]."""
        features = self.features(image)
        if self.jacobians is None:
            positions = expected_position(spatial_softmax(self.heatmaps(features), self.temperature))
            identity = torch.eye(2, dtype=positions.dtype, device=positions.device)
            return Keypoints(positions, identity.expand(*positions.shape, 2))
        logits, entries = convolve_together(features, (self.heatmaps, self.jacobians))
        heatmaps = spatial_softmax(logits, self.temperature)
        # One map for all keypoints broadcasts over them.
        entries = entries.float().reshape(entries.shape[0], -1, 4, *entries.shape[2:])
        jacobian = (heatmaps[:, :, None] * entries).sum(dim=(-2, -1))
        return Keypoints(expected_position(heatmaps), jacobian.reshape(*jacobian.shape[:2], 2, 2))


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
