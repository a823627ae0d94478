"""Canonical keypoints, where an identity's points are when the head faces the camera, and those of a frame.

face-vid2vid section 3.1 and equation 1.
"""

from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import AntiAliasDownsample
from lia_bench.models.blocks.convolution import DownBlock, VolumeUpBlock
from lia_bench.models.blocks.head_pose import turn
from lia_bench.models.blocks.keypoints import expected_position, spatial_softmax
from lia_bench.models.fvv.configuration import Angle, KeypointDetectorConfiguration
from lia_bench.models.fvv.head_pose import HeadMotion


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
