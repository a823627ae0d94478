"""Canonical points, head pose, expression, place and scale of a portrait, from one ConvNeXt V2 (LivePortrait 3.1)."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.head_pose import HeadAngles, expected_degrees, turn
from lia_bench.models.liveportrait.configuration import MotionExtractorConfiguration

EPSILON = 1e-6
FIRST_DEGREES = -97.5


class PortraitMotion(NamedTuple):
    """How the portraits of a batch stand; points are rows (x, y, z), x to the right, y down, z inward, in [-1, 1].

    Attributes:
        canonical: (B, K, 3), points of the face looking ahead without an expression.
        rotation: (B, 3, 3), multiplies points from the right.
        expression: (B, K, 3), offset of each point, before the scale.
        translation: (B, 3); its z is never used.
        scale: (B, 1).
        angles: degrees (B,) each, that the rotation is made of.
    """

    canonical: Tensor
    rotation: Tensor
    expression: Tensor
    translation: Tensor
    scale: Tensor
    angles: HeadAngles

    def points(self) -> Tensor:
        """Points (B, K, 3) in the frame."""
        return frame_points(self.canonical, self.rotation, self.expression, self.translation, self.scale)

    def turned(self, yaw: Tensor, pitch: Tensor, roll: Tensor) -> "PortraitMotion":
        """With radians (N,) added to the angles: of one portrait N times, or of each of a batch."""
        angles = HeadAngles(*(own + by.rad2deg() for own, by in zip(self.angles, (yaw, pitch, roll), strict=True)))
        return self._replace(angles=angles, rotation=head_rotation(angles))

    def rows(self, rows: slice) -> "PortraitMotion":
        """Of some of the batch."""
        yaw, pitch, roll = (degrees[rows] for degrees in self.angles)
        canonical, rotation, expression, translation, scale = (value[rows] for value in self[:5])
        return PortraitMotion(canonical, rotation, expression, translation, scale, HeadAngles(yaw, pitch, roll))


def head_rotation(angles: HeadAngles) -> Tensor:
    """Rotations (B, 3, 3) by angles in degrees; they multiply points from the right."""
    yaw, pitch, roll = (degrees.deg2rad() for degrees in angles)
    # Points are rows here: the transpose of the matrix that would multiply columns.
    return (turn(2, roll) @ turn(1, yaw) @ turn(0, pitch)).transpose(1, 2)


def frame_points(canonical: Tensor, rotation: Tensor, expression: Tensor, translation: Tensor, scale: Tensor) -> Tensor:
    """scale (x_c R + delta) + t (equation 2): points (B, K, 3); arguments as the fields of PortraitMotion."""
    # Written out, so that autocast does not round the coordinates.
    turned = (canonical[..., None] * rotation[:, None]).sum(dim=-2)
    moved = F.pad(translation[..., :2], (0, 1))
    return scale[..., None] * (turned + expression) + moved[:, None]


class ResponseNormalisation(nn.Module):
    """Global response normalisation of features (B, H, W, C) (ConvNeXt V2, section 3.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.shift = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, features: Tensor) -> Tensor:
        """Shape kept; channels that respond more strongly than the others are raised."""
        response = features.norm(dim=(1, 2), keepdim=True)
        response = response / (response.mean(dim=-1, keepdim=True) + EPSILON)
        raised: Tensor = self.scale * (features * response) + self.shift + features
        return raised


class ConvNextBlock(nn.Module):
    """Depthwise 7x7 convolution, layer norm, a widening by four and back; plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.normalisation = nn.LayerNorm(channels, eps=EPSILON)
        self.widen = nn.Linear(channels, 4 * channels)
        self.response = ResponseNormalisation(4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept."""
        change = self.normalisation(self.depthwise(features).permute(0, 2, 3, 1))
        change = self.narrow(self.response(F.gelu(self.widen(change))))
        total: Tensor = features + change.permute(0, 3, 1, 2)
        return total


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, H, W)."""

    def forward(self, features: Tensor) -> Tensor:
        """Shape kept."""
        return super().forward(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class MotionExtractor(nn.Module):
    """ConvNeXt V2 with a linear head for each quantity."""

    def __init__(self, configuration: MotionExtractorConfiguration, points: int) -> None:
        super().__init__()
        widths = configuration.widths
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelNorm(widths[0], eps=EPSILON))
        halving = (
            nn.Sequential(ChannelNorm(inputs, eps=EPSILON), nn.Conv2d(inputs, outputs, 2, stride=2))
            for inputs, outputs in pairwise(widths)
        )
        self.down = nn.ModuleList((stem, *halving))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNextBlock(width) for _ in range(depth)))
            for width, depth in zip(widths, configuration.depths, strict=True)
        )
        self.normalisation = nn.LayerNorm(widths[-1], eps=EPSILON)
        self.canonical = nn.Linear(widths[-1], 3 * points)
        self.scale = nn.Linear(widths[-1], 1)
        self.pitch = nn.Linear(widths[-1], configuration.bins)
        self.yaw = nn.Linear(widths[-1], configuration.bins)
        self.roll = nn.Linear(widths[-1], configuration.bins)
        self.translation = nn.Linear(widths[-1], 3)
        self.expression = nn.Linear(widths[-1], 3 * points)

    def forward(self, image: Tensor) -> PortraitMotion:
        """Motion of images (B, 3, H, W) in [0, 1]."""
        pooled = self.features(image)
        angles = self.angles(pooled)
        return PortraitMotion(
            self.canonical(pooled).float().unflatten(1, (-1, 3)),
            head_rotation(angles),
            self.expression(pooled).float().unflatten(1, (-1, 3)),
            self.translation(pooled).float(),
            self.scale(pooled).float(),
            angles,
        )

    def features(self, image: Tensor) -> Tensor:
        """What the heads read (B, widths[-1])."""
        features = image
        for down, stage in zip(self.down, self.stages, strict=True):
            features = stage(down(features))
        pooled: Tensor = self.normalisation(features.mean(dim=(2, 3)))
        return pooled

    def angles(self, pooled: Tensor) -> HeadAngles:
        """Degrees (B,) each."""
        yaw, pitch, roll = (expected_degrees(head(pooled), FIRST_DEGREES) for head in (self.yaw, self.pitch, self.roll))
        return HeadAngles(yaw, pitch, roll)
