"""SADE's networks: from keypoints to a coarse motion (section 3.1), from views of a subject to a frame (section 3)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import HourglassConfiguration
from lia_bench.models.blocks.convolution import AntiAliasDownsample, Convolution
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE, MotionBlending, MotionEvolution
from lia_bench.models.blocks.hourglass import Hourglass, encoder_decoder
from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_position, heatmap_difference
from lia_bench.models.blocks.motion_marks import record_flow
from lia_bench.models.blocks.warping import coordinate_grid, resize_flow, resize_map, warp
from lia_bench.models.sade.configuration import SadeModel, SelfAppearanceConfiguration


class KeypointDetector(HeatmapNetwork):
    """F_K: the mean positions of the heatmaps that an hourglass draws."""

    def forward(self, image: Tensor) -> Tensor:
        """Keypoints (B, K, 2), x, y in [-1, 1], of images (B, 3, H, W) in [0, 1]."""
        return expected_position(self.draw(image))


class TrustedMotion(NamedTuple):
    """The motion that leads to a view, and where to trust it.

    Attributes:
        offsets: T~, (B, h, w, 2), from each driving pixel to its position in the view, x, y, 2 is the picture's side.
        confidence: C, (B, 1, h, w) in [0, 1], not yet weighed against other views.
    """

    offsets: Tensor
    confidence: Tensor


class CoarseMotion(nn.Module):
    """Blends the keypoints' displacements and a background that stands still (equations 2 and 3).

    [A] The network is FOMM's for dense motion without Jacobians. Its second head, there the occlusion, is the
    confidence here; the paper puts that on the same decoder.
    """

    def __init__(self, configuration: HourglassConfiguration, keypoints: int) -> None:
        super().__init__()
        shape = configuration
        self.blending = MotionBlending(keypoints + 1, shape.expansion, shape.cap, shape.blocks, align_corners=True)

    def forward(self, view: Tensor, view_keypoints: Tensor, driving_keypoints: Tensor) -> TrustedMotion:
        """Motion to shrunk views (B, 3, h, w) whose keypoints (B, K, 2) are to take the driving positions (B, K, 2)."""
        height, width = view.shape[2:]
        displacements = view_keypoints - driving_keypoints
        displacements = torch.cat((torch.zeros_like(displacements[:, :1]), displacements), dim=1)[:, :, None, None]
        heatmaps = heatmap_difference(view_keypoints, driving_keypoints, KEYPOINT_VARIANCE, height, width)
        motions = coordinate_grid(height, width, like=displacements) + displacements
        blended = self.blending(view, heatmaps, motions)
        offsets = (blended.masks[..., None] * displacements).sum(dim=1)
        return TrustedMotion(offsets, blended.occlusion)


class SelfAppearance(nn.Module):
    """An hourglass from features to T_App; it starts at zero, where features stay in their places."""

    def __init__(self, configuration: SelfAppearanceConfiguration, channels: int) -> None:
        """`channels`: of the features."""
        super().__init__()
        self.hourglass = Hourglass(channels, configuration.expansion, configuration.cap, configuration.blocks)
        self.flow = Convolution(self.hourglass.outputs, 2, 7, padding=3)
        nn.init.zeros_(self.flow.weight)
        nn.init.zeros_(self.flow.bias)  # type: ignore[arg-type]

    def forward(self, warped: Tensor) -> Tensor:
        """Offsets (B, h, w, 2) for features (B, C, h, w) that the motion has warped already."""
        offsets: Tensor = self.flow(self.hourglass(warped)).float()
        return offsets.permute(0, 2, 3, 1)


# A pixel that no view is confident about is the mean of all.
SMALLEST_CONFIDENCE = 1e-6


def normalised(confidence: Tensor) -> Tensor:
    """Shares that sum to 1 over the views, of confidences (B, views, 1, h, w) in [0, 1]."""
    raised = confidence + SMALLEST_CONFIDENCE
    return raised / raised.sum(dim=1, keepdim=True)


def fused(features: Tensor, shares: Tensor) -> Tensor:
    """(B, C, h, w), the mean of features (B, views, C, h, w) weighted by shares (B, views, 1, h, w).

    The source is one of the views: the equation's sum leaves it out, the text and the normalisation have it.
    """
    mean: Tensor = (features * shares.to(features.dtype)).sum(dim=1)
    return mean


class EncodedViews(NamedTuple):
    """What the generator needs of views: features F_S (N, C, h, w), and the frames as the coarse motion sees them."""

    features: Tensor
    small: Tensor


class Generated(NamedTuple):
    """Frames, and how they came about.

    Attributes:
        frames: (B, 3, H, W) in [0, 1].
        coarse: T~ of each view, offsets (B, views, h, w, 2), x, y, 2 is the picture's side.
        motion: T, likewise; the coarse one where the model has no motion evolution.
        appearance: T_App, likewise, at the size of the features; zero where the model has no self-appearance.
        shares: of each view, (B, views, 1, h, w), sum 1, at the size of the features.
    """

    frames: Tensor
    coarse: Tensor
    motion: Tensor
    appearance: Tensor
    shares: Tensor


class Generator(nn.Module):
    """F_G around F_C, F_E and F_A; views go through with the same weights and meet in the decoder.

    Coordinates are those of `align_corners=True`, where an offset of zero leaves every pixel in its place.
    """

    def __init__(self, configuration: SadeModel) -> None:
        super().__init__()
        self.downsample = AntiAliasDownsample(3, configuration.coarse_motion.scale)
        self.coarse_motion = CoarseMotion(configuration.coarse_motion, configuration.keypoints)
        evolution = configuration.motion_evolution
        self.motion_evolution = MotionEvolution(evolution) if evolution else None
        self.stem, self.down, self.residual, self.up, self.output = encoder_decoder(configuration.generator)
        shape = configuration.generator
        channels = min(shape.cap, shape.expansion * 2**shape.down_blocks)
        appearance = configuration.self_appearance
        self.self_appearance = SelfAppearance(appearance, channels) if appearance else None
        self.joining = Convolution((2 if appearance else 1) * channels, channels, 3, padding=1)

    def forward(self, views: Tensor, view_keypoints: Tensor, driving_keypoints: Tensor) -> Generated:
        """Views (B, N, 3, H, W) in [0, 1], moved from their keypoints (B, N, K, 2) to the driving ones (B, K, 2)."""
        encoded = self.encode(views.flatten(0, 1))
        return self.render(encoded, view_keypoints, driving_keypoints)

    def encode(self, views: Tensor) -> EncodedViews:
        """The part that depends on the views (N, 3, H, W) alone."""
        features = self.stem(views)
        for down in self.down:
            features = down(features)
        return EncodedViews(features, self.downsample(views))

    def render(self, views: EncodedViews, view_keypoints: Tensor, driving_keypoints: Tensor) -> Generated:
        """Frames for B * N encoded views, those of a frame together; keypoints as in `forward`."""
        batch, count = view_keypoints.shape[:2]
        height, width = views.features.shape[2:]
        target = driving_keypoints[:, None].expand_as(view_keypoints)
        coarse, confidence = self.coarse_motion(views.small, view_keypoints.flatten(0, 1), target.flatten(0, 1))
        motion = self.motion_evolution(coarse) if self.motion_evolution else coarse
        # The first view is the source.
        record_flow(_positions(motion[::count]), align_corners=True)
        moved = _displaced(views.features, resize_flow(motion, height, width, align_corners=True))
        if self.self_appearance:
            appearance = self.self_appearance(moved)
            kinds = [_displaced(moved, appearance), moved]
        else:
            appearance, kinds = moved.new_zeros(moved.shape[0], height, width, 2), [moved]
        confidence = resize_map(confidence, height, width, align_corners=True)
        shares = normalised(confidence.unflatten(0, (batch, count)))
        joined = torch.cat([fused(each.unflatten(0, (batch, count)), shares) for each in kinds], dim=1)
        coarse, motion, appearance = (flow.unflatten(0, (batch, count)) for flow in (coarse, motion, appearance))
        return Generated(self._decoded(self.joining(joined)), coarse, motion, appearance, shares)

    def _decoded(self, features: Tensor) -> Tensor:
        for block in (*self.residual, *self.up):
            features = block(features)
        return torch.sigmoid(self.output(features).float())


def _displaced(features: Tensor, offsets: Tensor) -> Tensor:
    """Features (B, C, h, w), each read at its own place plus its offset (B, h, w, 2)."""
    return warp(features, _positions(offsets), align_corners=True)


def _positions(offsets: Tensor) -> Tensor:
    return coordinate_grid(*offsets.shape[1:3], like=offsets) + offsets
