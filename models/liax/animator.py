"""LIA-X as an animator: the source's latent code moved by the driving frames' magnitudes, and by edits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.latent_encoder import LatentEncoder, WideningDown
from lia_bench.models.blocks.motion_dictionary import MotionDictionary
from lia_bench.models.blocks.stylegan2 import EqualisedLinear
from lia_bench.models.liax.configuration import LiaxModel
from lia_bench.models.liax.decoder import Decoder


@dataclass(frozen=True)
class EncodedSource:
    """What a clip's frames share.

    Attributes:
        latent: (1, latent_dim), what the driving frame's walk is added to.
        pyramid: the source's features from 8x8 up.
        directions: (latent_dim, motion_dim), orthonormal columns.
    """

    latent: Tensor
    pyramid: list[Tensor]
    directions: Tensor


class LiaxAnimator(Animator):
    """Encoder, one linear layer for the magnitudes, motion dictionary and decoder; images are in [-1, 1] inside.

    Transfer modes: "relative" moves the source as the driver moved since its first frame, which is all that the
    authors' scripts do; "absolute" takes the driving frame's magnitudes as they are, the form it is trained in.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("relative", "absolute")

    def __init__(self, configuration: LiaxModel) -> None:
        super().__init__()
        self.configuration = configuration
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
        walk = magnitudes @ self.dictionary().t()
        count = source.shape[0]
        image: Tensor = self.decoder(source_latent + walk, [feature[:count] for feature in pyramid])
        return image, magnitudes

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source's code, features and the directions, once a clip.

        Absolute: z + D(a(driving)). Relative: z + D(a(source)) + D(a(driving)) - D(a(first driving)), where z is the
        source's code, a are magnitudes and D sums the directions by them.
        """
        latent, pyramid = self.encoder(_to_network(source))
        directions = self.dictionary()
        if transfer == "relative":
            first_latent, _ = self.encoder(_to_network(first_driving))
            change = self.magnitude_head(latent) - self.magnitude_head(first_latent)
            latent = latent + change @ directions.t()
        return EncodedSource(latent, pyramid, directions)

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames for `driving` (B, 3, size, size) in [0, 1], on the same scale, not clamped."""
        driving_latent, _ = self.encoder(_to_network(driving))
        latent = encoded.latent + self.magnitude_head(driving_latent) @ encoded.directions.t()
        image: Tensor = self.decoder(latent, encoded.pyramid)
        return (image + 1) / 2

    @torch.no_grad()
    def move(self, source: Tensor, amounts: Mapping[int, float]) -> Tensor:
        """The source's picture with its own magnitudes changed along directions: (3, size, size), not clamped.

        Args:
            source: float32 (3, size, size) in [0, 1].
            amounts: by the direction's number, from 1, what is added to the source's magnitude.

        Raises:
            InputError: a source of another shape or range, or no direction of that number.
        """
        self.check_frame("source", source)
        most = self.configuration.motion_dim
        for number in amounts:
            if not 1 <= number <= most:
                raise InputError(f"no direction {number}: this model has directions 1 to {most}")
        latent, pyramid = self.encoder(_to_network(source[None].to(self.dictionary.weight.device)))
        magnitudes = self.magnitude_head(latent)
        for number, amount in amounts.items():
            magnitudes[:, number - 1] += amount
        image: Tensor = self.decoder(latent + magnitudes @ self.dictionary().t(), pyramid)
        return ((image[0] + 1) / 2).cpu()


def _to_network(image: Tensor) -> Tensor:
    return image * 2 - 1
