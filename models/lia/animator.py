"""LIA: the source's latent code moved by the driving frames' magnitudes, and decoded.

The decoder has at each resolution a flow and a mask, and colours from the warped features.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.latent_animator import LatentAnimator, LatentEncoder, MotionDictionary, walk
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.stylegan2 import (
    ActivatedConvolution,
    EqualisedLinear,
    ModulatedPointwise,
    StyledConvolution,
    UpsampleMap,
    UpsamplingStyledConvolution,
)
from lia_bench.models.lia.configuration import LiaModel


class Warp(nn.Module):
    """Source features moved by a flow and weighted by a mask."""

    grid: Tensor

    def __init__(self, resolution: int) -> None:
        super().__init__()
        line = torch.linspace(-1, 1, resolution)
        y, x = torch.meshgrid(line, line, indexing="ij")
        self.register_buffer("grid", torch.stack((x, y), dim=-1), persistent=False)

    def forward(self, source: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Warped and masked features (B, C, r, r), and the mask (B, 1, r, r) in (0, 1).

        Args:
            source: features to warp, (B, C, r, r), or (1, C, r, r) for all of the batch.
            logits: float32 (B, 3, r, r): x and y offset before tanh, mask before sigmoid.

        The identity grid is that of align_corners=True while sampling is with align_corners=False and zeros
        outside, as the published weights were trained: without any offset the picture is zoomed by r / (r - 1).
        """
        positions = self.grid + logits[:, :2].tanh().permute(0, 2, 3, 1)
        record_flow(positions, align_corners=False)
        mask = logits[:, 2:].sigmoid()
        record_masks(mask)
        moved = F.grid_sample(source.expand(logits.shape[0], -1, -1, -1), positions, align_corners=False)
        return (moved * mask).to(source.dtype), mask.to(source.dtype)


class Level(nn.Module):
    """One resolution: features twice as large, their flow, and what it adds to the picture."""

    def __init__(
        self, in_channels: int, out_channels: int, style_dim: int, resolution: int, initial_flow: float
    ) -> None:
        super().__init__()
        self.upsampling = UpsamplingStyledConvolution(in_channels, out_channels, style_dim)
        self.convolution = StyledConvolution(out_channels, out_channels, style_dim)
        self.flow = ModulatedPointwise(out_channels, 3, style_dim)
        self.flow.weight.data *= initial_flow
        self.warp = Warp(resolution)
        self.colour = ActivatedConvolution(out_channels, 3, 1)
        self.colour_bias = nn.Parameter(torch.zeros(3))

    def forward(self, feature: Tensor, latent: Tensor, source: Tensor, flow: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features (B, out, r, r), flow logits (B, 3, r, r) and colours (B, 3, r, r).

        Args:
            feature: the level below, (B, in, r / 2, r / 2).
            latent: (B, style_dim).
            source: the source's features at r.
            flow: the logits of the level below, brought to r.
        """
        feature = self.convolution(self.upsampling(feature, latent), latent)
        # The sum goes up to the next level as it is, before tanh and sigmoid.
        flow = flow + self.flow(feature, latent)
        warped, mask = self.warp(source, flow)
        # Colours come from the warped features alone, so the network has to move the source, not to repaint it.
        colour = self.colour(warped) + self.colour_bias[:, None, None]
        if torch.is_grad_enabled():
            return warped + feature * (1 - mask), flow, colour
        return warped.addcmul_(feature, 1 - mask), flow, colour


class Decoder(nn.Module):
    """Grows a learned constant to the image's size; the picture is the sum of all levels' colours."""

    def __init__(self, configuration: LiaModel) -> None:
        super().__init__()
        channels, style_dim = configuration.channels, configuration.style_dim
        self.constant = nn.Parameter(torch.randn(1, channels(4), 4, 4))
        self.first = StyledConvolution(channels(4), channels(4), style_dim)
        self.levels = nn.ModuleList(
            Level(channels(resolution // 2), channels(resolution), style_dim, resolution, configuration.initial_flow)
            for resolution in configuration.resolutions
        )
        self.upsample = UpsampleMap()

    def forward(self, latent: Tensor, pyramid: list[Tensor]) -> Tensor:
        """Codes (B, style_dim) and source features from 8x8 up to images (B, 3, size, size), around [-1, 1].

        The image has no final non-linearity, so it may leave the range.
        """
        count = latent.shape[0]
        feature = self.first(self.constant.expand(count, -1, -1, -1), latent)
        flow = image = torch.zeros(count, 3, 4, 4, device=latent.device)
        for level, source in zip(self.levels, pyramid, strict=True):
            feature, flow, colour = level(feature, latent, source, self.upsample(flow))
            image = self.upsample(image) + colour
        return image


class MagnitudeHead(nn.Sequential):
    """Five linear layers, with nothing between them, from a code (B, style_dim) to magnitudes (B, motion_dim).

    Without a motion dictionary the output is (B, style_dim), the walk in the latent space itself.
    """

    def __init__(self, configuration: LiaModel) -> None:
        width = configuration.style_dim
        super().__init__(
            *(EqualisedLinear(width, width) for _ in range(4)),
            EqualisedLinear(width, configuration.motion_dim or width),
        )


class LiaAnimator(LatentAnimator):
    """Encoder, magnitude head, motion dictionary and decoder; images are in [-1, 1] inside.

    Without the dictionary (`motion_dim` None) it is the network of the paper's table 4: it animates as any other, and
    has no directions to look at.
    """

    # As the authors' script sweeps.
    furthest: ClassVar[float] = 3.0
    decoder: Decoder

    def __init__(self, configuration: LiaModel) -> None:
        super().__init__()
        self.configuration = configuration
        self.encoder = LatentEncoder(configuration.channels, configuration.resolutions, configuration.style_dim)
        self.magnitude_head = MagnitudeHead(configuration)
        self.dictionary = (
            MotionDictionary(configuration.style_dim, configuration.motion_dim) if configuration.motion_dim else None
        )
        self.decoder = Decoder(configuration)

    @property
    def frame_size(self) -> int:
        """The side of the configuration."""
        return self.configuration.size

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Absolute transfer of pairs, for training: (B, 3, size, size) twice, in [-1, 1], to as many images."""
        latent, pyramid = self.encoder(torch.cat((source, driving)))
        source_latent, driving_latent = latent.chunk(2)
        directions = self.dictionary() if self.dictionary else None
        moved = source_latent + walk(self.magnitude_head(driving_latent), directions)
        count = source.shape[0]
        image: Tensor = self.decoder(moved, [feature[:count] for feature in pyramid])
        return image
