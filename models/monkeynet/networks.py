"""Monkey-Net's networks: keypoints with covariances, learned as a by-product of animation, and motion transfer.

The generator goes from a source frame and two sets of keypoints, by a dense flow, to a frame (sections 3.2 to 3.4).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import DownBlock, ResidualBlock, UpBlock
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import (
    covariance_heatmaps,
    expected_covariance,
    expected_position,
    spatial_softmax,
)
from lia_bench.models.blocks.motion_marks import record_flow
from lia_bench.models.blocks.warping import coordinate_grid, resize_flow, resize_map, warp, warp_by_each
from lia_bench.models.monkeynet.configuration import HeatmapDivisor, KeypointDetectorConfiguration, MonkeyNetModel

# Added to every cell of a heatmap, which is not normalised once more.
FLOOR = 1e-7
# Where both variances are equal, the square root that parts them has no slope.
SMALLEST_SQUARE = 1e-20

# Logit of the background's mask in an untrained network, where those of the keypoints have 0.
BACKGROUND_LOGIT = 2.0


class Keypoints(NamedTuple):
    """Keypoints of a batch of frames.

    Attributes:
        position: (B, K, 2), x, y in [-1, 1].
        covariance: (B, K, 2, 2), of the heatmap around the position.
    """

    position: Tensor
    covariance: Tensor


class KeypointDetector(nn.Module):
    """One heatmap a keypoint; the keypoint is the heatmap's mean and covariance."""

    def __init__(self, configuration: KeypointDetectorConfiguration, keypoints: int) -> None:
        super().__init__()
        self.temperature = configuration.temperature
        self.smallest_variance = configuration.smallest_variance
        self.step = round(1 / configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, keypoints, 3, padding=1)

    def forward(self, image: Tensor) -> Keypoints:
        """Keypoints of images (B, 3, H, W) in [0, 1]."""
        heatmaps = spatial_softmax(self.logits(image), self.temperature) + FLOOR
        position = expected_position(heatmaps)
        covariance = expected_covariance(heatmaps, position)
        if self.smallest_variance is not None:
            covariance = enlarged(covariance, self.smallest_variance)
        return Keypoints(position, covariance)

    def logits(self, image: Tensor) -> Tensor:
        """Heatmaps before temperature and softmax, (B, K, H scale, W scale)."""
        logits: Tensor = self.heatmaps(self.hourglass(image[..., :: self.step, :: self.step]))
        return logits


def enlarged(covariance: Tensor, smallest: float) -> Tensor:
    """Covariances (..., 2, 2) times a number at least 1, such that no axis has a variance below `smallest`."""
    middle = (covariance[..., 0, 0] + covariance[..., 1, 1]) / 2
    half = (covariance[..., 0, 0] - covariance[..., 1, 1]) / 2
    apart = (half**2 + covariance[..., 0, 1] ** 2).clamp(min=SMALLEST_SQUARE).sqrt()
    smaller = middle - apart
    return covariance * (smaller.clamp(min=smallest) / smaller)[..., None, None]


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


class DenseMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        masks: (B, K + 1, h, w), shares of the background's and the keypoints' displacements, sum 1.
        correction: (B, 2, h, w), what the flow has beside these.
    """

    flow: Tensor
    masks: Tensor
    correction: Tensor


class GroupBlock(nn.Module):
    """1x1 convolution in which groups of channels do not see each other, batch norm, ReLU."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 1, groups=groups)
        self.normalisation = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, h, w), shape kept."""
        return F.relu(self.normalisation(self.convolution(features)), inplace=True)


class DenseMotionNetwork(nn.Module):
    """Masks that say which keypoint each pixel moves with, and a residual flow."""

    def __init__(self, configuration: MonkeyNetModel) -> None:
        super().__init__()
        shape = configuration.dense_motion
        self.align_corners = configuration.align_corners
        self.divisor = configuration.heatmap_divisor
        self.displacement_maps = shape.displacement_maps
        self.step = round(1 / shape.scale)
        parts = configuration.keypoints + 1
        channels = parts * (6 if shape.displacement_maps else 4)
        self.groups = nn.ModuleList(GroupBlock(channels, parts) for _ in range(shape.group_blocks))
        self.hourglass = Hourglass(channels, shape.expansion, shape.cap, shape.blocks)
        self.output = nn.Conv2d(self.hourglass.outputs, parts + 2, 3, padding=1)
        # Training begins with nearly no motion.
        nn.init.zeros_(self.output.weight)
        self.output.bias = nn.Parameter(torch.tensor([BACKGROUND_LOGIT, *[0.0] * (parts + 1)]))

    def forward(self, image: Tensor, source: Keypoints, driving: Keypoints) -> DenseMotion:
        """Flow at `scale` for source images (B, 3, H, W) whose keypoints move from `source` to `driving`."""
        image = image[..., :: self.step, :: self.step]
        displacement = displacements(source, driving)
        features = self.grouped(self.evidence(image, source, driving, displacement))
        outputs = self.output(self.hourglass(features)).float()
        masks, correction = outputs[:, :-2].softmax(dim=1), outputs[:, -2:]
        moved = torch.einsum("bkhw,bkc->bhwc", masks, displacement) + correction.permute(0, 2, 3, 1)
        return DenseMotion(coordinate_grid(*image.shape[2:], like=moved) + moved, masks, correction)

    def evidence(self, image: Tensor, source: Keypoints, driving: Keypoints, displacement: Tensor) -> Tensor:
        """What the network sees, (B, channels, h, w), of an image (B, 3, h, w).

        For the background and each keypoint its heatmap difference, perhaps its displacement (B, K + 1, 2) in two
        even maps, and the image moved by that.
        """
        batch, _, height, width = image.shape
        difference = heatmap_difference(source, driving, self.divisor, height, width)
        difference = torch.cat((torch.zeros_like(difference[:, :1]), difference), dim=1)
        maps = [difference[:, :, None]]
        if self.displacement_maps:
            maps.append(displacement[..., None, None].expand(-1, -1, -1, height, width))
        flows = coordinate_grid(height, width, like=displacement) + displacement[:, :, None, None]
        maps.append(warp_by_each(image, flows, self.align_corners))
        return torch.cat(maps, dim=2).reshape(batch, -1, height, width)

    def grouped(self, features: Tensor) -> Tensor:
        """The input of the hourglass, (B, channels, h, w), from the evidence."""
        for block in self.groups:
            features = block(features)
        return features


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
