"""LIA as an animator: the source's latent code moved by the driving frames' magnitudes."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.latent_animator import LatentAnimator, LatentEncoder, MotionDictionary, walk
from lia_bench.models.blocks.stylegan2 import EqualisedLinear
from lia_bench.models.lia.configuration import LiaModel
from lia_bench.models.lia.decoder import Decoder


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
