"""LIA-X: the source's latent code moved by the driving frames' magnitudes and by edits, and decoded.

The decoder has at each resolution a flow and a mask, and a branch that refines and paints.
"""

import math
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.latent_animator import LatentAnimator, LatentEncoder, MotionDictionary, WideningDown, walk
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.stylegan2 import (
    ActivatedConvolution,
    EqualisedLinear,
    ModulatedPointwise,
    StyledConvolution,
    UpsampleMap,
    UpsamplingStyledConvolution,
)
from lia_bench.models.blocks.warping import coordinate_grid
from lia_bench.models.liax.configuration import LiaxModel

GROUPS = 32
INITIAL_SHARE = 1e-5


class FlowBlock(nn.Module):
    """A styled convolution, and a second one behind a group norm that adds a learned share of itself."""

    def __init__(self, channels: int, latent_dim: int) -> None:
        super().__init__()
        self.first = StyledConvolution(channels, channels, latent_dim)
        self.normalisation = nn.GroupNorm(math.gcd(GROUPS, channels), channels)
        self.second = StyledConvolution(channels, channels, latent_dim)
        self.share = nn.Parameter(torch.full((1, channels, 1, 1), INITIAL_SHARE))

    def forward(self, feature: Tensor, latent: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept, under codes (B, latent_dim)."""
        feature = self.first(feature, latent)
        total: Tensor = feature + self.share * self.second(self.normalisation(feature), latent)
        return total


class ColourBlock(nn.Module):
    """Two 3x3 convolutions beside the input; the sum over sqrt(2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ActivatedConvolution(channels, channels, 3, padding=1)
        self.second = ActivatedConvolution(channels, channels, 3, padding=1)

    def forward(self, feature: Tensor) -> Tensor:
        """(B, channels, H, W), shape kept."""
        total: Tensor = feature + self.second(self.first(feature))
        return total / math.sqrt(2)


class Grown(NamedTuple):
    """What a level hands to the next.

    Attributes:
        feature: (B, C, r, r), what the flow is read off.
        flow: logits (B, 3, r, r), summed over the levels.
        appearance: (B, C, r, r), what the colours are read off.
        image: (B, 3, r, r), the colours of the levels summed.
    """

    feature: Tensor
    flow: Tensor
    appearance: Tensor
    image: Tensor


class Level(nn.Module):
    """One resolution: features twice as large, their flow, and what it adds to the picture."""

    def __init__(self, configuration: LiaxModel, resolution: int) -> None:
        super().__init__()
        below, channels = configuration.channels(resolution // 2), configuration.channels(resolution)
        latent_dim = configuration.latent_dim
        self.upsampling = UpsamplingStyledConvolution(below, channels, latent_dim)
        self.flow_blocks = nn.ModuleList(FlowBlock(channels, latent_dim) for _ in range(configuration.blocks))
        self.flow = ModulatedPointwise(channels, 3, latent_dim)
        self.flow.weight.data *= configuration.initial_flow
        # At the coarsest level there is no appearance below that could be refined.
        self.refine = (
            nn.Sequential(UpsampleMap(), ActivatedConvolution(below, channels, 3, padding=1))
            if resolution > configuration.resolutions[0]
            else None
        )
        self.colour_blocks = nn.Sequential(*(ColourBlock(channels) for _ in range(configuration.blocks)))
        self.colour = ActivatedConvolution(channels, 3, 1)
        self.colour_bias = nn.Parameter(torch.zeros(3))
        self.upsample = UpsampleMap()

    def forward(self, below: Grown, latent: Tensor, source: Tensor) -> Grown:
        """This level's, twice as large as what grew `below`.

        Args:
            latent: (B, latent_dim).
            source: the source's features at r, (B or 1, C, r, r).
        """
        feature = self.upsampling(below.feature, latent)
        for block in self.flow_blocks:
            feature = block(feature, latent)
        # The sum goes up to the next level as it is, before tanh and sigmoid.
        flow = self.upsample(below.flow) + self.flow(feature, latent)
        warped, mask = warp(source, flow)
        # Colours come from the warped features alone, so the network has to move the source, not to repaint it.
        appearance = self.colour_blocks(warped if self.refine is None else warped + self.refine(below.appearance))
        colour = self.colour(appearance) + self.colour_bias[:, None, None]
        return Grown(warped + (1 - mask) * feature, flow, appearance, self.upsample(below.image) + colour)


def warp(source: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Source features moved by a flow and weighted by a mask (B, C, r, r), and that mask (B, 1, r, r).

    `logits`: (B, 3, r, r), x and y offset before tanh, mask before sigmoid. Unlike LIA's, the identity is one:
    align_corners=True both for the grid and for sampling, zeros outside.
    """
    logits = logits.float()
    grid = coordinate_grid(*logits.shape[2:], like=logits)
    positions = grid + logits[:, :2].tanh().permute(0, 2, 3, 1)
    record_flow(positions, align_corners=True)
    mask = logits[:, 2:].sigmoid()
    record_masks(mask)
    moved = F.grid_sample(source.expand(len(logits), -1, -1, -1).float(), positions, align_corners=True)
    return (moved * mask).to(source.dtype), mask.to(source.dtype)


class Decoder(nn.Module):
    """Grows a learned constant to the image's size; the picture is the sum of all levels' colours."""

    def __init__(self, configuration: LiaxModel) -> None:
        super().__init__()
        channels = configuration.channels(4)
        self.constant = nn.Parameter(torch.randn(1, channels, 4, 4))
        self.first = StyledConvolution(channels, channels, configuration.latent_dim)
        self.levels = nn.ModuleList(Level(configuration, resolution) for resolution in configuration.resolutions)

    def forward(self, latent: Tensor, pyramid: list[Tensor]) -> Tensor:
        """Codes (B, latent_dim) and source features from 8x8 up to images (B, 3, size, size), around [-1, 1].

        The image has no final non-linearity, so it may leave the range.
        """
        count = latent.shape[0]
        feature = self.first(self.constant.expand(count, -1, -1, -1), latent)
        nothing = torch.zeros(count, 3, 4, 4, device=latent.device)
        grown = Grown(feature, nothing, feature, nothing)
        for level, source in zip(self.levels, pyramid, strict=True):
            grown = level(grown, latent, source)
        return grown.image


class LiaxAnimator(LatentAnimator):
    """Encoder, one linear layer for the magnitudes, motion dictionary and decoder; images are in [-1, 1] inside.

    Transfer modes: "relative" moves the source as the driver moved since its first frame, which is all that the
    authors' scripts do; "absolute" takes the driving frame's magnitudes as they are, the form it is trained in.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("relative", "absolute")
    # As the paper's figures move a direction.
    furthest: ClassVar[float] = 0.5
    dictionary: MotionDictionary
    decoder: Decoder

    def __init__(self, configuration: LiaxModel) -> None:
        super().__init__()
        self.configuration = configuration
        self.named = configuration.controls
        self.encoder = LatentEncoder(
            configuration.channels, configuration.resolutions, configuration.latent_dim, WideningDown
        )
        self.magnitude_head = EqualisedLinear(configuration.latent_dim, configuration.motion_dim)
        self.dictionary = MotionDictionary(configuration.latent_dim, configuration.motion_dim)
        self.decoder = Decoder(configuration)

    @property
    def frame_size(self) -> int:
        """The side of the configuration."""
        return self.configuration.size

    def forward(self, source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
        """Absolute transfer of pairs, for training.

        (B, 3, size, size) twice, in [-1, 1], to as many images and the driving frames' magnitudes (B, motion_dim).
        """
        latent, pyramid = self.encoder(torch.cat((source, driving)))
        source_latent, driving_latent = latent.chunk(2)
        magnitudes: Tensor = self.magnitude_head(driving_latent)
        moved = source_latent + walk(magnitudes, self.dictionary())
        count = source.shape[0]
        image: Tensor = self.decoder(moved, [feature[:count] for feature in pyramid])
        return image, magnitudes
