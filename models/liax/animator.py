"""LIA-X as an animator: the source's latent code moved by the driving frames' magnitudes, and by edits."""

from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.blocks.latent_animator import LatentAnimator, LatentEncoder, MotionDictionary, WideningDown, walk
from lia_bench.models.blocks.stylegan2 import EqualisedLinear
from lia_bench.models.liax.configuration import LiaxModel
from lia_bench.models.liax.decoder import Decoder


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
