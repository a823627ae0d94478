"""face-vid2vid's networks: canonical keypoints, the head's pose, the points of a frame, and the generator.

Canonical keypoints are where an identity's points are when the head faces the camera (section 3.1 and equation 1). The
generator is a warped volume and one of two decoders (section 3.2).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import (
    AntiAliasDownsample,
    Convolution,
    DownBlock,
    ResidualBlock,
    UpBlock,
    VolumeUpBlock,
)
from lia_bench.models.blocks.head_pose import expected_degrees, turn
from lia_bench.models.blocks.keypoints import expected_position, spatial_softmax
from lia_bench.models.blocks.volume_generator import SpadeDecoder, VolumeGenerator
from lia_bench.models.fvv.configuration import Angle, FvvModel, HeadPoseConfiguration, KeypointDetectorConfiguration

# Residual blocks of each stage, the halving one not counted: those of a ResNet-50.
STAGES = (3, 3, 5, 2)


class HeadMotion(NamedTuple):
    """How the heads of a batch of frames are turned, moved and deformed.

    Attributes:
        yaw, pitch, roll: (B,), degrees.
        translation: (B, 3), in the coordinates of the keypoints.
        expression: (B, K, 3), offset of each keypoint, likewise.
    """

    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    translation: Tensor
    expression: Tensor


class NormalisedConvolution(nn.Module):
    """Convolution and batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, outputs, kernel_size, stride, padding=kernel_size // 2)
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        normalised: Tensor = self.normalisation(self.convolution(features))
        return normalised


class Bottleneck(nn.Module):
    """Convolutions 1x1, 3x3, 1x1 through a quarter of the channels; beside the input, or a 1x1 where it is halved."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.reduce = NormalisedConvolution(channels, channels // 4, 1)
        self.spatial = NormalisedConvolution(channels // 4, channels // 4, 3, stride)
        self.expand = NormalisedConvolution(channels // 4, channels, 1)
        self.shortcut = NormalisedConvolution(channels, channels, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, channels, H / stride, W / stride)."""
        change = F.relu(self.reduce(features), inplace=True)
        change = F.relu(self.spatial(change), inplace=True)
        return F.relu(self.expand(change) + self.shortcut(features), inplace=True)


class Stage(nn.Module):
    """A wider feature map, halved unless it is the first stage, and residual blocks."""

    def __init__(self, inputs: int, outputs: int, blocks: int, *, halving: bool) -> None:
        super().__init__()
        self.widen = NormalisedConvolution(inputs, outputs, 1)
        self.halve = Bottleneck(outputs, stride=2) if halving else nn.Identity()
        self.blocks = nn.ModuleList(Bottleneck(outputs, stride=1) for _ in range(blocks))

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / 2, W / 2), or of the same size."""
        features = self.halve(F.relu(self.widen(features), inplace=True))
        for block in self.blocks:
            features = block(features)
        return features


class HeadPoseEstimator(nn.Module):
    """One residual network with a head for each of the five quantities."""

    def __init__(self, configuration: HeadPoseConfiguration, keypoints: int) -> None:
        super().__init__()
        expansion, cap, bins = configuration.expansion, configuration.cap, configuration.bins
        widths = [expansion, *(min(cap, expansion * 2 ** (index + 2)) for index in range(len(STAGES)))]
        self.stem = NormalisedConvolution(3, expansion, 7, stride=2)
        self.stages = nn.ModuleList(
            Stage(widths[index], widths[index + 1], blocks, halving=index > 0) for index, blocks in enumerate(STAGES)
        )
        self.yaw = nn.Linear(widths[-1], bins)
        self.pitch = nn.Linear(widths[-1], bins)
        self.roll = nn.Linear(widths[-1], bins)
        self.translation = nn.Linear(widths[-1], 3)
        self.expression = nn.Linear(widths[-1], 3 * keypoints)

    def forward(self, image: Tensor) -> HeadMotion:
        """Motion of images (B, 3, H, W) in [0, 1]."""
        features = F.max_pool2d(F.relu(self.stem(image), inplace=True), 3, stride=2, padding=1)
        for stage in self.stages:
            features = stage(features)
        pooled = features.mean(dim=(2, 3))
        return HeadMotion(
            expected_degrees(self.yaw(pooled)),
            expected_degrees(self.pitch(pooled)),
            expected_degrees(self.roll(pooled)),
            self.translation(pooled).float(),
            self.expression(pooled).float().unflatten(1, (-1, 3)),
        )


class CanonicalKeypointDetector(nn.Module):
    """Features are encoded in the plane, unfolded into a volume and decoded there; no size is skipped over."""

    def __init__(self, configuration: KeypointDetectorConfiguration, keypoints: int, depth: int) -> None:
        super().__init__()
        shape = configuration
        self.temperature = shape.temperature
        self.depth = depth
        self.downsample = AntiAliasDownsample(3, shape.scale)
        widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.blocks + 1)]
        inputs = [3, *widths[1:]]
        self.down = nn.ModuleList(DownBlock(inputs[index], inputs[index + 1]) for index in range(shape.blocks))
        self.unfold = nn.Conv2d(widths[-1], widths[-1] * depth, 1)
        self.up = nn.ModuleList(
            VolumeUpBlock(widths[index + 1], widths[index]) for index in reversed(range(shape.blocks))
        )
        self.heatmaps = nn.Conv3d(widths[0], keypoints, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Positions (B, K, 3), x, y, z in [-1, 1], for images (B, 3, H, W) in [0, 1]."""
        features = self.downsample(image)
        for down in self.down:
            features = down(features)
        volume = self.unfold(features).unflatten(1, (-1, self.depth))
        for up in self.up:
            volume = up(volume)
        return expected_position(spatial_softmax(self.heatmaps(volume), self.temperature))


# The weights that are published were trained with this value.
PI = 3.14


def rotation_matrix(about_x: Tensor, about_y: Tensor, about_z: Tensor) -> Tensor:
    """R_x R_y R_z (B, 3, 3), from angles (B,) in degrees."""
    turns = (turn(axis, degrees / 180 * PI) for axis, degrees in enumerate((about_x, about_y, about_z)))
    return next(turns) @ next(turns) @ next(turns)


def frame_keypoints(canonical: Tensor, motion: HeadMotion, axes: tuple[Angle, Angle, Angle]) -> Tensor:
    """R x + t + delta: keypoints (B, K, 3) of frames from canonical ones (B or 1, K, 3).

    Args:
        axes: which angle of `motion` turns about x, about y and about z.
    """
    rotation = rotation_matrix(*(getattr(motion, name) for name in axes))
    # Written out, so that autocast does not round the coordinates.
    rotated = (rotation[:, None] * canonical[:, :, None, :]).sum(dim=-1)
    return rotated + motion.translation[:, None] + motion.expression


class ResidualDecoder(nn.Module):
    """Residual blocks at the size of the features, then doublings up to the frame's."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        """`widths`: channels of the features, then after each doubling."""
        super().__init__()
        self.residual = nn.ModuleList(ResidualBlock(widths[0]) for _ in range(blocks))
        self.up = nn.ModuleList(UpBlock(*pair) for pair in pairwise(widths))
        self.final = Convolution(widths[-1], 3, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        """Logits of the frame (B, 3, 2^n H, 2^n W), n doublings, for features (B, widths[0], H, W)."""
        for block in (*self.residual, *self.up):
            features = block(features)
        logits: Tensor = self.final(features)
        return logits


class Generator(VolumeGenerator):
    """Decoded by SPADE blocks, or by residual blocks as in the first published weights."""

    def __init__(self, configuration: FvvModel) -> None:
        shape = configuration.generator
        super().__init__(shape, configuration.dense_motion, configuration.keypoints, configuration.depth)
        self.decoder = (
            SpadeDecoder(self.widths[-1], self.widths[0], shape.down_blocks)
            if shape.decoder == "spade"
            else ResidualDecoder(self.widths[::-1], shape.blocks)
        )
