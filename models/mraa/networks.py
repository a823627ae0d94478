"""MRAA's networks: regions, their local affine motions from principal axes, and the generator (sections 3.2 to 3.4).

The generator goes from a source frame and two sets of regions to the driving frame's picture.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import AntiAliasDownsample, DownBlock
from lia_bench.models.blocks.dense_motion import (
    DenseMotion,
    MotionBlending,
    MotionEvolution,
    affine_motions,
    evolved,
    with_background,
)
from lia_bench.models.blocks.hourglass import encoder_decoder
from lia_bench.models.blocks.keypoints import (
    HeatmapNetwork,
    covariance_heatmaps,
    expected_covariance,
    expected_position,
)
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.warping import resize_flow, resize_map, warp
from lia_bench.models.mraa.configuration import BackgroundConfiguration, MraaModel, RegionPredictorConfiguration

# Added to the variances along x and y. A region on a single cell has neither extent nor axes: these, far below the
# rounding of any other region, keep its matrices invertible and its axes defined.
SMALLEST_VARIANCES = (2e-8, 1e-8)


def principal_axes(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """U and s of the decomposition C = U diag(s^2) U^T of covariances (..., 2, 2), in closed form.

    U is the reflection [[p, q], [q, -p]], its first column the leading axis. p is negative, except where the
    covariance [[a, b], [b, c]] has b > 0 and ac - b^2 > a^2 + b^2. Both hold for every covariance that LAPACK was
    asked about, and networks that read U, such as MRAA's disentanglement, work with these signs alone. Other
    libraries, on other devices too, choose others.

    Returns:
        U (..., 2, 2) and the deviations s (..., 2) along the axes, in the covariance's unit, the larger first.
    """
    (a, b), (_, c) = (row.unbind(-1) for row in covariance.unbind(-2))
    half = (a - c) / 2
    determinant = a * c - b * b
    large = (a + c) / 2 + torch.hypot(half, b)
    # By the determinant, since the difference of two nearly equal numbers would lose the digits of a thin region.
    small = (determinant / large).clamp_min(min(SMALLEST_VARIANCES))
    angle = torch.atan2(b, half) / 2
    sign = torch.where((b > 0) & (determinant > a * a + b * b), 1.0, -1.0)
    p, q = sign * angle.cos(), sign * angle.sin()
    axes = torch.stack((p, q, q, -p), dim=-1).reshape(covariance.shape)
    return axes, torch.stack((large, small), dim=-1).sqrt()


class Regions(NamedTuple):
    """Regions of a batch of frames.

    Attributes:
        shift: (B, K, 2), centres, x, y in [-1, 1].
        covariance: (B, K, 2, 2), extents, in the squares of these units.
        affine: (B, K, 2, 2), from a region of unit extent to the frame: principal axes times deviations.
    """

    shift: Tensor
    covariance: Tensor
    affine: Tensor


class RegionPredictor(HeatmapNetwork):
    """Heatmaps to regions; the only thing it has to learn is where the regions are."""

    smallest: Tensor

    def __init__(self, configuration: RegionPredictorConfiguration, regions: int) -> None:
        super().__init__(configuration, regions, configuration.padding)
        self.register_buffer("smallest", torch.diag(torch.tensor(SMALLEST_VARIANCES)), persistent=False)

    def forward(self, image: Tensor) -> Regions:
        """Regions of images (B, 3, H, W) in [0, 1]."""
        heatmaps = self.draw(image)
        shift = expected_position(heatmaps)
        covariance = expected_covariance(heatmaps, shift) + self.smallest
        axes, deviations = principal_axes(covariance)
        return Regions(shift, covariance, axes * deviations[..., None, :])


def axis_sign(matrix: Tensor) -> Tensor:
    """-1 for matrices (..., 2, 2) whose first entry is negative, else 1: (..., 1, 1).

    The sign of principal axes is arbitrary, so a motion between two regions that seems to turn the first axis around
    is taken as its opposite (MRAA section 3.2).
    """
    return torch.where(matrix[..., :1, :1] < 0, -1.0, 1.0)


# Numbers that a region is told by: two of its shift and four of its affine.
REGION_VALUES = 6


def disentangled(network: Callable[[Tensor, Tensor], Tensor], identity: Regions, pose: Regions) -> Regions:
    """Regions (B, K) of the subject of `identity` in the pose of `pose`, of the same batch size.

    `network` is a DisentanglementNetwork of K * REGION_VALUES values.
    """
    # The same orientation on both sides, so that the network need not know of it.
    turned = identity.affine * axis_sign(multiply(identity.affine, inverse(pose.affine)))
    values = network(_flat(identity.shift, turned), _flat(pose.shift, pose.affine))
    values = values.float().reshape(*pose.shift.shape[:2], REGION_VALUES)
    affine = values[..., 2:].reshape(pose.affine.shape)
    return Regions(values[..., :2], multiply(affine, affine.mT), affine)


def _flat(shift: Tensor, affine: Tensor) -> Tensor:
    """(B, K * 6): of each region x and y, then the rows of its matrix."""
    return torch.cat((shift, affine.flatten(2)), dim=2).flatten(1)


class BackgroundPredictor(nn.Module):
    """An encoder of both frames, averaged over the picture, and a linear layer."""

    def __init__(self, configuration: BackgroundConfiguration) -> None:
        super().__init__()
        shape = configuration
        widths = [6, *(min(shape.cap, shape.expansion * 2 ** (index + 1)) for index in range(shape.blocks))]
        self.down = nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in range(shape.blocks))
        self.entries = nn.Linear(widths[-1], 6)
        # Training begins with a background that stands still.
        nn.init.zeros_(self.entries.weight)
        self.entries.bias = nn.Parameter(torch.eye(2, 3).flatten())

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """[A | b] (B, 2, 3): position A z + b in the source of what is at z in the driving frame, x, y in [-1, 1].

        Args:
            source: (B, 3, H, W) in [0, 1]; `driving` likewise.
        """
        features = torch.cat((source, driving), dim=1)
        for down in self.down:
            features = down(features)
        entries: Tensor = self.entries(features.mean(dim=(2, 3)))
        return entries.float().reshape(-1, 2, 3)


class EncodedSource(NamedTuple):
    """What the generator needs of a source frame.

    Attributes:
        frame: (B, 3, H, W) in [0, 1].
        small: (B, 3, h, w), the frame as pixel-wise flow sees it.
        levels: features from full resolution to the deepest, each half the size of the one before.
    """

    frame: Tensor
    small: Tensor
    levels: tuple[Tensor, ...]


class Generated(NamedTuple):
    """Frames (B, 3, H, W) in [0, 1], and the motion they were made by."""

    frames: Tensor
    motion: DenseMotion


class Generator(nn.Module):
    """Pixel-wise flow, and an encoder-decoder that paints what the warped source does not show.

    At every resolution, that of the frame itself last, the warped source is laid over what was painted, as far as
    it can be seen.
    """

    def __init__(self, configuration: MraaModel) -> None:
        super().__init__()
        flow = configuration.pixelwise_flow
        self.downsample = AntiAliasDownsample(3, flow.scale)
        # Grids end at the border pixels' centres and are read as if they ended at their edges, as in training.
        self.pixelwise_flow = MotionBlending(
            configuration.regions + 1, flow.expansion, flow.cap, flow.blocks, align_corners=False
        )
        evolution = configuration.motion_evolution
        self.motion_evolution = MotionEvolution(evolution) if evolution else None
        self.stem, self.down, self.residual, self.up, self.output = encoder_decoder(configuration.generator)

    def forward(
        self, source: Tensor, source_regions: Regions, driving_regions: Regions, background: Tensor | None
    ) -> Generated:
        """The source (B, 3, H, W) in [0, 1] moved from its regions to the driving regions.

        `background` is (B, 2, 3) as BackgroundPredictor gives it; None stands still.
        """
        return self.render(self.encode(source), source_regions, driving_regions, background)

    def encode(self, source: Tensor) -> EncodedSource:
        """The part that depends on the source (B, 3, H, W) alone."""
        levels = [self.stem(source)]
        for down in self.down:
            levels.append(down(levels[-1]))
        return EncodedSource(source, self.downsample(source), tuple(levels))

    def render(
        self, source: EncodedSource, source_regions: Regions, driving_regions: Regions, background: Tensor | None
    ) -> Generated:
        """Frames for an encoded source and regions of the same batch size; `background` as in `forward`."""
        motion = self.motion(source.small, source_regions, driving_regions, background)
        record_flow(motion.flow, align_corners=False)
        record_masks(motion.occlusion)
        *shallower, deepest = source.levels
        seen, hidden = visible(deepest, motion)
        features = seen
        for residual in self.residual:
            features = residual(features)
        features = seen + features * hidden
        for level, up in zip(reversed(shallower), self.up, strict=True):
            seen, hidden = visible(level, motion)
            features = seen + up(features) * hidden
        painted = torch.sigmoid(self.output(features).float())
        seen, hidden = visible(source.frame, motion)
        return Generated(seen + painted * hidden, motion)

    def motion(self, small: Tensor, source: Regions, driving: Regions, background: Tensor | None) -> DenseMotion:
        """Dense motion from the down-sampled source (B, 3, h, w) and the regions."""
        height, width = small.shape[2:]
        heatmaps = region_heatmaps(source, driving, height, width)
        motions = region_motions(source, driving, background, height, width)
        return evolved(self.pixelwise_flow(small, heatmaps, motions), self.motion_evolution)


def visible(level: Tensor, motion: DenseMotion) -> tuple[Tensor, Tensor]:
    """A level (B, C, H, W) of the source, warped and dimmed where hidden; and how hidden it is, (B, 1, H, W)."""
    height, width = level.shape[2:]
    occlusion = resize_map(motion.occlusion, height, width)
    warped = warp(level, resize_flow(motion.flow, height, width), align_corners=False)
    return warped * occlusion, 1 - occlusion


def region_heatmaps(source: Regions, driving: Regions, height: int, width: int) -> Tensor:
    """Driving less source regions, drawn with their extents: (B, K + 1, height, width), zeros first (background)."""
    difference = covariance_heatmaps(driving.shift, driving.covariance, height, width) - covariance_heatmaps(
        source.shift, source.covariance, height, width
    )
    return torch.cat((torch.zeros_like(difference[:, :1]), difference), dim=1)


def region_motions(source: Regions, driving: Regions, background: Tensor | None, height: int, width: int) -> Tensor:
    """For the background and each region the source position of each driving pixel: (B, K + 1, height, width, 2).

    Region k moves z to A (z - shift_d) + shift_s with A = affine_s affine_d^-1, of the sign that `axis_sign` asks for.
    """
    matrix = multiply(source.affine, inverse(driving.affine))
    matrix = matrix * axis_sign(matrix)
    return with_background(affine_motions(matrix, source.shift, driving.shift, height, width), background)
