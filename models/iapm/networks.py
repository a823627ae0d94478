"""IAPM's networks (section 3): the mask of a frame, where the subject is and how it stands, and the generator.

Perturbations strip a mask of identity. Masks go through 8-bit grey levels and OpenCV's zoom, as the authors' do: each
zoom reads positions rounded to 1/32 pixel, interpolates, and rounds to whole grey levels. Random numbers are drawn on
the CPU, so that a seed gives the same on every device. The generator goes from a source frame, its mask and a driving
mask to the driving frame's picture, in two phases.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import EncoderDecoderConfiguration
from lia_bench.models.blocks.convolution import (
    AntiAliasDownsample,
    Convolution,
    ConvolutionBlock,
    DownBlock,
    ResidualBlock,
    UpBlock,
)
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.small_tensors import on_device_of
from lia_bench.models.blocks.warping import resize_map
from lia_bench.models.iapm.configuration import IapmModel, MaskConfiguration


class EncoderDecoder(nn.Module):
    """Down blocks of widths min(cap, expansion * 2^(i + 1)) and up blocks that mirror them, without skips.

    Attributes:
        outputs: channels that come out.
    """

    def __init__(self, inputs: int, shape: EncoderDecoderConfiguration) -> None:
        super().__init__()
        widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.blocks + 1)]
        self.down = nn.ModuleList(
            DownBlock(inputs if index == 0 else widths[index], widths[index + 1]) for index in range(shape.blocks)
        )
        self.up = nn.ModuleList(UpBlock(widths[index + 1], widths[index]) for index in reversed(range(shape.blocks)))
        self.outputs = widths[0]

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        for block in (*self.down, *self.up):
            features = block(features)
        return features


# The last convolution does not pad; the mask does.
BORDER = 3


class MaskGenerator(nn.Module):
    """The network m: one soft mask a frame."""

    def __init__(self, model: IapmModel) -> None:
        super().__init__()
        self.temperature = model.mask_generator.temperature
        self.downsample = AntiAliasDownsample(3, model.mask_scale)
        self.network = EncoderDecoder(3, model.mask_generator)
        self.mask = nn.Conv2d(self.network.outputs, 1, 2 * BORDER + 1)

    def forward(self, image: Tensor) -> Tensor:
        """Masks (B, 1, h, w) in [0, 1], 0 on a border of 3 pixels, of images (B, 3, H, W) in [0, 1]."""
        logits = self.mask(self.network(self.downsample(image))).float()
        return F.pad(torch.sigmoid(logits / self.temperature), (BORDER,) * 4)


WHITE = 255
STEPS_IN_A_PIXEL = 32
TEST_ZOOM = 0.75
TRAINING_ZOOM = (0.75, 1.25)
PIVOTS = 5
# Pivots lie between these shares of the side: 15 and 45 of the published 64 pixels.
FIRST_PIVOT, LAST_PIVOT = 15 / 64, 45 / 64
NOISE = 20.0


def perturbed_for_testing(mask: Tensor, threshold: int) -> Tensor:
    """Masks (B, 1, n, n) in [0, 1], their faint parts removed, then made smaller about the centre.

    `threshold`: grey level, 0 to 255; what is not above it becomes 0.
    """
    levels = WHITE * mask
    grey = torch.where(levels > threshold, levels, 0.0).floor()
    factor = mask.new_full((1, 1), TEST_ZOOM)
    along_x = _zoomed(grey, factor, 0, grey.shape[3])
    return _rounded(_zoomed(along_x.mT, factor, 0, grey.shape[2]).mT) / WHITE


def perturbed_for_training(mask: Tensor, threshold: int) -> Tensor:
    """Masks (B, 1, n, n) in [0, 1], bent by random zooms, their faint parts removed, and noisy; without gradient.

    Columns, then rows, are cut into six strips; each strip is zoomed across by a factor of its own, then the whole
    along them. All masks share the cuts, and each has its own factors.
    """
    grey = (WHITE * mask.detach()).floor()
    grey = _bent(grey)
    grey = _bent(grey.mT).mT
    grey = torch.where(grey > threshold, grey, 0.0)
    noise = torch.poisson(torch.full(grey.shape, NOISE)) * (2 * torch.randint(2, grey.shape) - 1)
    return (grey + on_device_of(noise, grey)).clamp(0, WHITE) / WHITE


def _bent(grey: Tensor) -> Tensor:
    """Strips of columns zoomed along x, each by its factor, then the whole along y."""
    batch, size = grey.shape[0], grey.shape[3]
    cuts = torch.cat((torch.tensor([0]), _pivots(size), torch.tensor([size])))
    widths = cuts.diff()
    # Of each column.
    start, end = (cut.repeat_interleave(widths, output_size=size) for cut in (cuts[:-1], cuts[1:]))
    factors = _factors(batch, len(widths)).repeat_interleave(widths, dim=1, output_size=size)
    start, end, factors, whole = (on_device_of(made, grey) for made in (start, end, factors, _factors(batch, 1)))
    strips = _rounded(_zoomed(grey, factors, start, end))
    return _rounded(_zoomed(strips.mT, whole, 0, size).mT)


def _pivots(size: int) -> Tensor:
    first, last = round(FIRST_PIVOT * size), round(LAST_PIVOT * size)
    return (first + torch.randperm(last - first + 1)[:PIVOTS]).sort().values


def _factors(batch: int, strips: int) -> Tensor:
    low, high = TRAINING_ZOOM
    return low + (high - low) * torch.rand(batch, strips)


def _zoomed(grey: Tensor, factors: Tensor, start: Tensor | int, end: Tensor | int) -> Tensor:
    """Strips of columns, each zoomed along x about its centre; outside a strip is 0.

    Args:
        grey: (B, 1, H, W).
        factors: of each column's strip, (B, W), or (B, 1) and (1, 1) for all alike; above 1 enlarges.
        start, end: first column of each column's strip and the one behind its last, (W,), or those of all.
    """
    centre = (start + end - 1) / 2
    position = (torch.arange(grey.shape[3], device=grey.device) - centre) / factors + centre
    position = torch.floor(position * STEPS_IN_A_PIXEL + 0.5) / STEPS_IN_A_PIXEL
    left = position.floor()

    def read(column: Tensor) -> Tensor:
        inside = (column >= start) & (column < end)
        index = column.clamp(0, grey.shape[3] - 1).long()[:, None, None].expand(grey.shape)
        return grey.gather(3, index) * inside[:, None, None]

    share = (position - left)[:, None, None]
    return read(left) * (1 - share) + read(left + 1) * share


def _rounded(grey: Tensor) -> Tensor:
    return torch.floor(grey + 0.5)


class Painted(NamedTuple):
    """Frames (B, 3, H, W) in [0, 1]: the low-resolution generator's, and the final ones."""

    coarse: Tensor
    fine: Tensor


class Generated(NamedTuple):
    """Frames, and the refined mask (B, 1, h, w) where there is a refinement and a perturbed one was given."""

    frames: Painted
    refined: Tensor | None


class MaskRefinement(nn.Module):
    """The network r: the driving mask as it was before its perturbation, for a subject like the source."""

    def __init__(self, shape: MaskConfiguration, reference: bool) -> None:
        """`reference`: whether it sees the source; without it, only what the perturbation left of the driving mask."""
        super().__init__()
        self.temperature = shape.temperature
        self.reference = reference
        self.network = EncoderDecoder(5 if reference else 1, shape)
        self.mask = Convolution(self.network.outputs, 1, 7, padding=3)

    def forward(self, source: Tensor, source_mask: Tensor, perturbed: Tensor) -> Tensor:
        """Masks (B, 1, h, w) in [0, 1] from the shrunk source (B, 3, h, w), its mask and the perturbed driving mask."""
        seen = (source, source_mask, perturbed) if self.reference else (perturbed,)
        logits = self.mask(self.network(torch.cat(seen, dim=1))).float()
        return torch.sigmoid(logits / self.temperature)


class LowResolutionGenerator(nn.Module):
    """The network l: sees everything at the masks' size and paints at the frame's."""

    def __init__(self, model: IapmModel) -> None:
        super().__init__()
        shape = model.low_resolution
        widths = [min(shape.cap, shape.expansion * 2**index) for index in range(model.halvings + 1)]
        self.stem = ConvolutionBlock(5, widths[-1], kernel_size=7)
        self.residual = nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(shape.residual_blocks))
        self.up = nn.ModuleList(UpBlock(widths[index + 1], widths[index]) for index in reversed(range(model.halvings)))
        self.output = Convolution(widths[0], 3, 7, padding=3)

    def forward(self, source: Tensor, source_mask: Tensor, driving_mask: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] from the shrunk source (B, 3, h, w) and masks (B, 1, h, w)."""
        features = self.stem(torch.cat((source, source_mask, driving_mask), dim=1))
        for block in (*self.residual, *self.up):
            features = block(features)
        return torch.sigmoid(self.output(features).float())


class HighResolutionGenerator(nn.Module):
    """The network h: the coarse frame with the source's detail."""

    def __init__(self, model: IapmModel) -> None:
        super().__init__()
        shape = model.high_resolution
        self.hourglass = Hourglass(8, shape.expansion, shape.cap, shape.blocks)
        self.output = Convolution(self.hourglass.outputs, 3, 7, padding=3)

    def forward(self, source: Tensor, source_mask: Tensor, coarse: Tensor, driving_mask: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] from source and coarse frame of that shape and masks (B, 1, h, w)."""
        height, width = source.shape[2:]
        source_mask, driving_mask = (resize_map(mask, height, width) for mask in (source_mask, driving_mask))
        features = self.hourglass(torch.cat((source, source_mask, coarse, driving_mask), dim=1))
        return torch.sigmoid(self.output(features).float())


class Generator(nn.Module):
    """Refinement of the driving mask, and the two generators."""

    def __init__(self, model: IapmModel) -> None:
        super().__init__()
        self.mask_size = model.mask_size
        self.refinement = MaskRefinement(model.refinement, model.reference) if model.refinement else None
        self.low_resolution = LowResolutionGenerator(model)
        self.high_resolution = HighResolutionGenerator(model)

    def forward(
        self, source: Tensor, source_mask: Tensor, driving_mask: Tensor, perturbed: Tensor | None = None
    ) -> Generated:
        """A training pass: the driving mask paints as it is, and refinement is asked for it back.

        Args:
            source: (B, 3, H, W) in [0, 1].
            source_mask, driving_mask, perturbed: (B, 1, h, w) in [0, 1].

        Each network learns from its own output alone: gradients reach the masks through the coarse frame only.
        """
        small = self.shrunk(source)
        refined = None
        if self.refinement and perturbed is not None:
            refined = self.refinement(small, source_mask.detach(), perturbed.detach())
        return Generated(self.paint(source, small, source_mask, driving_mask), refined)

    def paint(self, source: Tensor, small: Tensor, source_mask: Tensor, driving_mask: Tensor) -> Painted:
        """Both frames from the source at both sizes and the masks."""
        coarse = self.low_resolution(small, source_mask, driving_mask)
        fine = self.high_resolution(source, source_mask.detach(), coarse.detach(), driving_mask.detach())
        return Painted(coarse, fine)

    def shrunk(self, source: Tensor) -> Tensor:
        """The source (B, 3, H, W) at the masks' size, bilinear and not anti-aliased."""
        return resize_map(source, self.mask_size, self.mask_size)
