"""From a source frame, its mask and a driving mask to the driving frame's picture, in two phases (IAPM section 3)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import ConvolutionBlock, ResidualBlock, UpBlock
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.warping import resize_map
from lia_bench.models.iapm.configuration import IapmModel, MaskConfiguration
from lia_bench.models.iapm.masks import EncoderDecoder


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
        self.mask = nn.Conv2d(self.network.outputs, 1, 7, padding=3)

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
        self.output = nn.Conv2d(widths[0], 3, 7, padding=3)

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
        self.output = nn.Conv2d(self.hourglass.outputs, 3, 7, padding=3)

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
