"""What LIA and LIA-X have in common: an encoder, and a latent code that walks along directions of a dictionary."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.direction_probe import DirectionEffect, DirectionProbe
from lia_bench.models.blocks.small_tensors import without_autocast
from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, EqualisedConvolution, ResidualDown
from lia_bench.models.card import NamedDirection
from lia_bench.models.controls import Control


class WideningDown(ResidualDown):
    """A halving block in which it is the first of the two 3x3 convolutions that changes the width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, between=out_channels)


class LatentEncoder(nn.Module):
    """Convolutions from the image's size down to a code, keeping every map of 8x8 and above."""

    def __init__(
        self,
        channels: Callable[[int], int],
        resolutions: Sequence[int],
        code_width: int,
        halving: type[ResidualDown] = ResidualDown,
    ) -> None:
        """
        Args:
            channels: width at a side in pixels.
            resolutions: 8, 16, ... up to the images' side.
            code_width: length of the code.
            halving: the block between two sides.
        """
        super().__init__()
        self.stem = ActivatedConvolution(3, channels(resolutions[-1]), 1)
        self.blocks = nn.ModuleList(
            halving(channels(resolution), channels(resolution // 2)) for resolution in reversed(resolutions)
        )
        self.head = EqualisedConvolution(channels(4), code_width, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (B, 3, size, size) in [-1, 1] to codes (B, code_width) and maps from 8x8 up to the full size."""
        feature = self.stem(image)
        pyramid = []
        for block in self.blocks:
            pyramid.append(feature)
            feature = block(feature)
        return self.head(feature).flatten(1), pyramid[::-1]


class MotionDictionary(nn.Module):
    """A learned matrix whose orthonormalised columns are the motion directions."""

    def __init__(self, style_dim: int, motion_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(style_dim, motion_dim))

    def forward(self) -> Tensor:
        """Directions as columns, (style_dim, motion_dim), float32.

        Householder QR, with the signs it yields: the paper names Gram-Schmidt, which flips some columns, and
        published checkpoints were trained with these signs.
        """
        with without_autocast(self.weight.device):
            directions: Tensor = torch.linalg.qr(self.weight + 1e-8).Q
        return directions

    @torch.no_grad()
    def orthogonality_error(self) -> float:
        """Largest absolute difference between the directions' inner products and the identity."""
        directions = self()
        products = directions.t() @ directions
        return float((products - torch.eye(len(products), device=products.device)).abs().max())


@dataclass(frozen=True)
class EncodedSource:
    """What a clip's frames share.

    Attributes:
        latent: (1, style_dim), what the driving frame's walk is added to; (N, style_dim) of a source edited N times.
        pyramid: the source's features from 8x8 up.
        directions: (style_dim, motion_dim), orthonormal columns; None without a dictionary.
    """

    latent: Tensor
    pyramid: list[Tensor]
    directions: Tensor | None


class LatentAnimator(Animator):
    """An encoder, a head that reads magnitudes off its code, directions, and a decoder; inside, images are in [-1, 1].

    Attributes:
        furthest: how far from the source's own magnitudes a slider of a direction goes.
        encoder: images (B, 3, size, size) to codes (B, style_dim) and features from 8x8 up.
        magnitude_head: codes to magnitudes (B, motion_dim); without a dictionary to the walk itself (B, style_dim).
        dictionary: directions as columns (style_dim, motion_dim); None without one.
        decoder: codes and features to images.
        named: directions whose meaning is known, of these weights.
    """

    editable: ClassVar[bool] = True
    furthest: ClassVar[float]
    encoder: LatentEncoder
    magnitude_head: nn.Module
    dictionary: MotionDictionary | None
    decoder: nn.Module
    named: tuple[NamedDirection, ...] = ()

    @property
    @abstractmethod
    def frame_size(self) -> int:
        """The side of the configuration."""

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source's code, features and the directions, once a clip (LIA, eq. 11 and 12).

        Absolute: z + D(a(driving)). Relative: z + D(a(source)) + D(a(driving)) - D(a(first driving)), where z is the
        source's code, a are magnitudes and D sums the directions by them; without a dictionary D leaves a as it is.
        """
        latent, pyramid = self.encoder(to_network(source))
        directions = self.dictionary() if self.dictionary else None
        if transfer == "relative":
            first_latent, _ = self.encoder(to_network(first_driving))
            latent = latent + walk(self.magnitude_head(latent) - self.magnitude_head(first_latent), directions)
        return EncodedSource(latent, pyramid, directions)

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames for `driving` (B, 3, size, size) in [0, 1], on the same scale, not clamped."""
        driving_latent, _ = self.encoder(to_network(driving))
        latent = encoded.latent + walk(self.magnitude_head(driving_latent), encoded.directions)
        image: Tensor = self.decoder(latent, encoded.pyramid)
        return (image + 1) / 2

    def controls(self) -> list[Control]:
        """Directions: those with a name, then the others by number; none of a network without a dictionary.

        What a direction means depends on the weights, and so does its sign: names come with the published ones alone.
        """
        count = self.dictionary.weight.shape[1] if self.dictionary else 0
        known = {named.direction for named in self.named}
        digits = max(2, len(str(count)))
        return [
            *(Control(named.name, named.description, named.lowest, named.highest) for named in self.named),
            *(
                Control(f"direction-{number:0{digits}d}", f"magnitude along d_{number}", -self.furthest, self.furthest)
                for number in range(1, count + 1)
                if number not in known
            ),
        ]

    def edited(self, encoded: EncodedSource, amounts: Tensor) -> EncodedSource:
        """The code moved by amounts (N, controls) of magnitude: the edit of LIA-X, D(a(source) + amounts)."""
        directions = self.motion_dictionary()()
        known = [named.direction for named in self.named]
        numbers = known + [number for number in range(1, directions.shape[1] + 1) if number not in known]
        columns = torch.tensor(numbers, device=amounts.device) - 1
        return replace(encoded, latent=encoded.latent + walk(amounts, directions[:, columns]))

    def motion_dictionary(self) -> MotionDictionary:
        """The dictionary, for what looks at the directions.

        Raises:
            InputError: this network is the ablation without one.
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
            latent, _ = self.encoder(to_network(torch.stack(batch).to(device)))
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
        """The source's reference image x_r, decoded from its code without any magnitude (LIA, figure 5).

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


def walk(magnitudes: Tensor, directions: Tensor | None) -> Tensor:
    """D(a): the directions' sum by the magnitudes; without a dictionary the magnitude head gives the walk itself."""
    return magnitudes if directions is None else magnitudes @ directions.t()


def to_network(image: Tensor) -> Tensor:
    """An image in [0, 1] as the networks take it, in [-1, 1]."""
    return image * 2 - 1
