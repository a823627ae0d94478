"""LIA as an animator: the source's latent code moved by the driving frames' magnitudes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.latent_encoder import LatentEncoder
from lia_bench.models.blocks.motion_dictionary import MotionDictionary
from lia_bench.models.blocks.stylegan2 import EqualisedLinear
from lia_bench.models.lia.configuration import LiaModel
from lia_bench.models.lia.decoder import Decoder
from lia_bench.models.lia.probing import DirectionEffect, DirectionProbe


@dataclass(frozen=True)
class EncodedSource:
    """What a clip's frames share.

    Attributes:
        latent: (1, style_dim), what the driving frame's walk is added to.
        pyramid: the source's features from 8x8 up.
        directions: (style_dim, motion_dim), orthonormal columns; None without a dictionary.
    """

    latent: Tensor
    pyramid: list[Tensor]
    directions: Tensor | None


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


class LiaAnimator(Animator):
    """Encoder, magnitude head, motion dictionary and decoder; images are in [-1, 1] inside.

    Without the dictionary (`motion_dim` None) it is the network of the paper's table 4: it animates as any other, and
    has no directions to look at.
    """

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
        walk = _walk(self.magnitude_head(driving_latent), self._directions())
        count = source.shape[0]
        image: Tensor = self.decoder(source_latent + walk, [feature[:count] for feature in pyramid])
        return image

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source's code, features and the directions, once a clip (paper, eq. 11 and 12).

        Absolute: code + D(a(driving)). Relative: code + D(a(source)) + D(a(driving)) - D(a(first driving)),
        where a are magnitudes and D sums the directions by them; without a dictionary D leaves a as it is.
        """
        latent, pyramid = self.encoder(_to_network(source))
        directions = self._directions()
        if transfer == "relative":
            first_latent, _ = self.encoder(_to_network(first_driving))
            latent = latent + _walk(self.magnitude_head(latent) - self.magnitude_head(first_latent), directions)
        return EncodedSource(latent, pyramid, directions)

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames for `driving` (B, 3, size, size) in [0, 1], on the same scale, not clamped."""
        driving_latent, _ = self.encoder(_to_network(driving))
        latent = encoded.latent + _walk(self.magnitude_head(driving_latent), encoded.directions)
        image: Tensor = self.decoder(latent, encoded.pyramid)
        return (image + 1) / 2

    def motion_dictionary(self) -> MotionDictionary:
        """The dictionary, for what looks at the directions.

        Raises:
            InputError: this LIA is the ablation without one.
        """
        if self.dictionary is None:
            raise InputError(
                "this LIA was made without the motion dictionary (model.motion_dim is null): it has no directions "
                "or magnitudes to look at, and it can only animate"
            )
        return self.dictionary

    @torch.no_grad()
    def directions(self) -> Tensor:
        """The motion directions d_1, d_2, ... as columns: (style_dim, motion_dim), orthonormal, on the CPU.

        Raises:
            InputError: there is no motion dictionary.
        """
        directions: Tensor = self.motion_dictionary()().cpu()
        return directions

    @torch.no_grad()
    def magnitudes(self, driving: Tensor | Iterable[Tensor], batch_size: int = 8) -> Tensor:
        """How far each frame lies along each direction: (T, motion_dim), on the CPU; column 0 is d_1.

        Args:
            driving: float32 (T, 3, size, size) in [0, 1], or any iterable of (3, size, size) frames, which is
                streamed: memory grows by the magnitudes alone.
            batch_size: frames encoded together.

        Raises:
            InputError: no frame, or one of another shape or range; a batch size below 1; no motion dictionary.
        """
        device = self.motion_dictionary().weight.device
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: it must be at least 1")
        frames = iter(driving)
        measured = []
        while batch := list(islice(frames, batch_size)):
            for frame in batch:
                self.check_frame("driving frame", frame)
            latent, _ = self.encoder(_to_network(torch.stack(batch).to(device)))
            measured.append(self.magnitude_head(latent).float().cpu())
        if not measured:
            raise InputError("the driving video has no frame")
        return torch.cat(measured)

    def move(self, source: Tensor, amounts: Mapping[int, float]) -> Tensor:
        """The source's picture with its own magnitudes changed along directions: (3, size, size) in [0, 1].

        Args:
            source: float32 (3, size, size) in [0, 1].
            amounts: by the direction's number, which starts at 1 as the paper's d_1 does, what is added to the
                source's magnitude: `{8: 2.5}`. With none it is the source in its own pose.

        Raises:
            InputError: a source of another shape or range, no direction of that number, or no motion dictionary.
        """
        return DirectionProbe(self, source).moved(amounts)

    def reference_image(self, source: Tensor) -> Tensor:
        """The source's reference image x_r, decoded from its code without any magnitude (paper, figure 5).

        (3, size, size) in [0, 1] for a source of the same shape and range; InputError for another.
        """
        return DirectionProbe(self, source).reference_image()

    def direction_effects(self, source: Tensor) -> list[DirectionEffect]:
        """What a unit of magnitude does to this source along each direction, the largest mean flow first.

        Raises:
            InputError: a source of another shape or range than (3, size, size) in [0, 1].
        """
        probe = DirectionProbe(self, source)
        effects = [probe.effect(direction) for direction in range(1, probe.count + 1)]
        return sorted(effects, key=lambda effect: -effect.flow)

    def _directions(self) -> Tensor | None:
        return self.dictionary() if self.dictionary else None


def _walk(magnitudes: Tensor, directions: Tensor | None) -> Tensor:
    """D(a): the directions' sum by the magnitudes; without a dictionary the magnitude head gives the walk itself."""
    return magnitudes if directions is None else magnitudes @ directions.t()


def _to_network(image: Tensor) -> Tensor:
    return image * 2 - 1
