"""LIA as an animator: the source's latent code moved by the driving frames' magnitudes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lia_bench.models.animator import Animator
from lia_bench.models.lia.configuration import LiaModel
from lia_bench.models.lia.decoder import Decoder
from lia_bench.models.lia.dictionary import MotionDictionary
from lia_bench.models.lia.encoder import Encoder, MagnitudeHead


@dataclass(frozen=True)
class EncodedSource:
    """What a clip's frames share.

    Attributes:
        latent: (1, style_dim), what the driving frame's walk is added to.
        pyramid: the source's features from 8x8 up.
        directions: (style_dim, motion_dim), orthonormal columns.
    """

    latent: Tensor
    pyramid: list[Tensor]
    directions: Tensor


class LiaAnimator(Animator):
    """Encoder, magnitude head, motion dictionary and decoder; images are in [-1, 1] inside."""

    def __init__(self, configuration: LiaModel) -> None:
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration)
        self.magnitudes = MagnitudeHead(configuration)
        self.dictionary = MotionDictionary(configuration.style_dim, configuration.motion_dim)
        self.decoder = Decoder(configuration)

    @property
    def frame_size(self) -> int:
        """The side of the configuration."""
        return self.configuration.size

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Absolute transfer of pairs, for training: (B, 3, size, size) twice, in [-1, 1], to as many images."""
        latent, pyramid = self.encoder(torch.cat((source, driving)))
        source_latent, driving_latent = latent.chunk(2)
        walk = self.magnitudes(driving_latent) @ self.dictionary().t()
        count = source.shape[0]
        image: Tensor = self.decoder(source_latent + walk, [feature[:count] for feature in pyramid])
        return image

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source's code, features and the directions, once a clip (paper, eq. 11 and 12).

        Absolute: code + D(a(driving)). Relative: code + D(a(source)) + D(a(driving)) - D(a(first driving)),
        where a are magnitudes and D sums the directions by them.
        """
        latent, pyramid = self.encoder(_to_network(source))
        directions = self.dictionary()
        if transfer == "relative":
            first_latent, _ = self.encoder(_to_network(first_driving))
            latent = latent + (self.magnitudes(latent) - self.magnitudes(first_latent)) @ directions.t()
        return EncodedSource(latent, pyramid, directions)

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames for `driving` (B, 3, size, size) in [0, 1], on the same scale, not clamped."""
        driving_latent, _ = self.encoder(_to_network(driving))
        latent = encoded.latent + self.magnitudes(driving_latent) @ encoded.directions.t()
        image: Tensor = self.decoder(latent, encoded.pyramid)
        return (image + 1) / 2


def _to_network(image: Tensor) -> Tensor:
    return image * 2 - 1
