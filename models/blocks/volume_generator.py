"""From a source frame and two sets of keypoints to a picture, through a volume (face-vid2vid section 3.2).

And a decoder of spatially-adaptive normalisation (SPADE; Park et al., CVPR 2019).
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import register_parametrization

from lia_bench.models.blocks.configuration import VolumeGeneratorConfiguration, VolumeMotionConfiguration
from lia_bench.models.blocks.convolution import (
    Convolution,
    ConvolutionBlock,
    DownBlock,
    InstanceNorm,
    VolumeConvolutionBlock,
    VolumeDownBlock,
    VolumeResidualBlock,
    VolumeUpBlock,
    convolve_doubled,
)
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import heatmap_difference
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.standing_weights import made_once, weights_stand
from lia_bench.models.blocks.warping import coordinate_grid, warp, warp_by_each
from lia_bench.models.blocks.winograd import convolve

SLOPE = 0.2
HIDDEN = 128
MIDDLE_BLOCKS = 6


class SpectralNorm(_SpectralNorm):
    """torch's own, but on the meta device: its first fifteen iterations find no number there, and take seconds."""

    def _power_method(self, weight_mat: Tensor, n_power_iterations: int) -> None:
        if not weight_mat.is_meta:
            super()._power_method(weight_mat, n_power_iterations)


def spectral_norm(convolution: nn.Conv2d) -> nn.Conv2d:
    """The convolution, whose weight is divided by its largest singular value from now on."""
    register_parametrization(convolution, "weight", SpectralNorm(convolution.weight))
    return convolution


class Spade(nn.Module):
    """Instance norm whose scale and shift are convolved from a map, brought to the size of what is normalised."""

    def __init__(self, channels: int, map_channels: int, hidden: int) -> None:
        """`hidden`: channels between the map and the scale and shift."""
        super().__init__()
        self.normalisation = InstanceNorm(channels)
        self.shared = Convolution(map_channels, hidden, 3, padding=1)
        self.scale = nn.Conv2d(hidden, channels, 3, padding=1)
        self.shift = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept, under a map (B, map_channels, h, w)."""
        return self.modulated(self.normalisation(features), condition)

    def modulated(self, normalised: Tensor, condition: Tensor) -> Tensor:
        """What is behind the instance norm."""
        if weights_stand(normalised):
            return self._faster(normalised, condition)
        hidden = F.relu(self.shared(F.interpolate(condition, size=normalised.shape[2:])), inplace=True)
        total: Tensor = normalised * (1 + self.scale(hidden)) + self.shift(hidden)
        return total

    def _faster(self, normalised: Tensor, condition: Tensor) -> Tensor:
        """The last doubling of the map is part of the convolution; one convolution makes both scale and shift."""
        height, width = normalised.shape[2:]
        if height == condition.shape[2]:
            hidden = self.shared(condition)
        else:
            hidden = convolve_doubled(self.shared, F.interpolate(condition, size=(height // 2, width // 2)))
        weight = made_once(self, _both, self.scale.weight, self.shift.weight)
        bias = made_once(self, _one_plus, self.scale.bias, self.shift.bias)
        scale, shift = convolve(self, F.relu(hidden, inplace=True), weight, bias).chunk(2, dim=1)
        return torch.addcmul(shift, normalised, scale)


def _both(scale: Tensor, shift: Tensor) -> Tensor:
    return torch.cat((scale, shift))


def _one_plus(scale: Tensor, shift: Tensor) -> Tensor:
    return torch.cat((1 + scale, shift))


class SpadeBlock(nn.Module):
    """Twice SPADE, leaky ReLU, 3x3 convolution; beside the input, or SPADE and 1x1 where the width changes."""

    def __init__(self, inputs: int, outputs: int, map_channels: int, hidden: int) -> None:
        super().__init__()
        middle = min(inputs, outputs)
        self.normalisation1 = Spade(inputs, map_channels, hidden)
        self.convolution1 = spectral_norm(Convolution(inputs, middle, 3, padding=1))
        self.normalisation2 = Spade(middle, map_channels, hidden)
        self.convolution2 = spectral_norm(Convolution(middle, outputs, 3, padding=1))
        self.changing = inputs != outputs
        if self.changing:
            self.shortcut_normalisation = Spade(inputs, map_channels, hidden)
            self.shortcut = spectral_norm(nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        normalised = self.normalisation1.normalisation(features)
        change = self.normalisation1.modulated(normalised, condition)
        change = self.convolution1(F.leaky_relu(change, SLOPE, inplace=True))
        change = self.convolution2(F.leaky_relu(self.normalisation2(change, condition), SLOPE, inplace=True))
        if self.changing:
            features = self.shortcut(self.shortcut_normalisation.modulated(normalised, condition))
        total: Tensor = features + change
        return total


class SpadeDecoder(nn.Module):
    """Six blocks at the size of the features, then one after each doubling; each sees the features."""

    def __init__(self, inputs: int, outputs: int, doublings: int, shuffle: int = 1, hidden: int = HIDDEN) -> None:
        """
        Args:
            outputs: width after the doublings.
            shuffle: along a side, pixels that the last layer makes of one.
            hidden: channels between the features and the scales and shifts of the blocks.
        """
        super().__init__()
        self.input = Convolution(inputs, 2 * inputs, 3, padding=1)
        self.middle = nn.ModuleList(SpadeBlock(2 * inputs, 2 * inputs, inputs, hidden) for _ in range(MIDDLE_BLOCKS))
        widths = [2 * inputs, *[inputs] * (doublings - 1), outputs]
        self.up = nn.ModuleList(SpadeBlock(*pair, inputs, hidden) for pair in pairwise(widths))
        self.shuffle = shuffle
        self.output = Convolution(outputs, 3 * shuffle**2, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Logits of the frame (B, 3, 2^n s H, 2^n s W), n doublings and shuffle s, for features (B, inputs, H, W)."""
        decoded = self.input(features)
        for block in self.middle:
            decoded = block(decoded, features)
        for block in self.up:
            decoded = block(F.interpolate(decoded, scale_factor=2), features)
        logits: Tensor = self.output(F.leaky_relu(decoded, SLOPE))
        return F.pixel_shuffle(logits, self.shuffle)


class VolumeMotion(NamedTuple):
    """Where each voxel comes from.

    Attributes:
        flow: (B, D, H, W, 3), positions in the source volume, x, y, z in [-1, 1].
        masks: (B, K + 1, D, H, W), shares of the keypoints' motions after the background's, sum 1.
        occlusion: (B, 1, H, W) in [0, 1]; 0 is hidden in the source.
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


class VolumeDenseMotion(nn.Module):
    """Weighs the keypoints' translations by how well the source volume, warped by each alone, explains the frame."""

    def __init__(self, shape: VolumeMotionConfiguration, keypoints: int, channels: int, depth: int) -> None:
        """`channels`, `depth`: of the source volume."""
        super().__init__()
        parts = keypoints + 1
        self.compress = VolumeConvolutionBlock(channels, shape.compressed, kernel_size=1)
        self.hourglass = Hourglass(
            parts * (1 + shape.compressed),
            shape.expansion,
            shape.cap,
            shape.blocks,
            VolumeDownBlock,
            VolumeUpBlock,
        )
        width = self.hourglass.outputs
        self.last = VolumeConvolutionBlock(width, width)
        kernel, padding = shape.kernel, shape.kernel // 2
        self.masks = nn.Conv3d(width, parts, kernel, padding=padding)
        self.occlusion = Convolution(width * depth, 1, kernel, padding=padding)

    def forward(self, compressed: Tensor, source: Tensor, driving: Tensor) -> VolumeMotion:
        """Motion for a compressed source volume (B, C, D, H, W) and keypoints (B, K, 3)."""
        motions = part_motions(source, driving, *compressed.shape[2:])
        features = self.last(self.hourglass(self.evidence(compressed, source, driving, motions)))
        masks = self.masks(features).float().softmax(dim=1)
        flow = (masks[..., None] * motions).sum(dim=1)
        return VolumeMotion(flow, masks, torch.sigmoid(self.occlusion(features.flatten(1, 2)).float()))

    def evidence(self, compressed: Tensor, source: Tensor, driving: Tensor, motions: Tensor) -> Tensor:
        """Input of the hourglass: of the background and each keypoint its heatmap, then the volume warped by it."""
        heatmaps = heatmap_difference(source, driving, KEYPOINT_VARIANCE, *compressed.shape[2:])
        warped = warp_by_each(compressed, motions, align_corners=False)
        return torch.cat((heatmaps[:, :, None], warped), dim=2).flatten(1, 2)


def part_motions(source: Tensor, driving: Tensor, depth: int, height: int, width: int) -> Tensor:
    """The source position of each driving voxel by the background, which stands still, and by each keypoint.

    (B, K + 1, depth, height, width, 3) for keypoints (B, K, 3); keypoint k moves z to z - p_driving + p_source.
    """
    grid = coordinate_grid(depth, height, width, like=driving)
    moved = grid - driving[:, :, None, None, None] + source[:, :, None, None, None]
    return torch.cat((grid.expand_as(moved[:, :1]), moved), dim=1)


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
        record_masks(motion.occlusion)
        warped = warp(source.volume, motion.flow, align_corners=False)
        features = self.mix(self.fold(warped.flatten(1, 2))) * motion.occlusion
        return Generated(torch.sigmoid(self.decoder(features).float()), motion)


class FoldedConvolution(nn.Module):
    """Convolution 3x3 of a volume folded into the plane, batch norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, outputs, 3, padding=1)
        self.normalisation = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return F.leaky_relu(self.normalisation(self.convolution(features)))
