"""MRAA as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.transfer import DisentanglementNetwork, RelativePosition, absolute
from lia_bench.models.mraa.configuration import MraaModel
from lia_bench.models.mraa.networks import (
    REGION_VALUES,
    BackgroundPredictor,
    EncodedSource,
    Generator,
    RegionPredictor,
    Regions,
    disentangled,
)


@dataclass(frozen=True)
class Relative:
    """The source's regions, moved as the driving ones since the first driving frame; batch size 1 in the fields."""

    shift: RelativePosition
    source: Regions
    first: Regions

    def __call__(self, driving: Regions) -> Regions:
        """Regions (B, K) for the source; their extents stay the driving frames', as in the authors' demonstration."""
        change = multiply(driving.affine, inverse(self.first.affine))
        return Regions(self.shift(driving.shift), driving.covariance, multiply(change, self.source.affine))


@dataclass(frozen=True)
class Disentangled:
    """The source's shape in the driving frames' pose; batch size 1 in the source."""

    network: DisentanglementNetwork
    source: Regions

    def __call__(self, driving: Regions) -> Regions:
        """Regions (B, K) for the source."""
        return disentangled(self.network, repeated(self.source, driving.shift.shape[0]), driving)


@dataclass(frozen=True)
class EncodedClip:
    """A source and its regions, batch size 1, how regions are transferred to it, and how the background moves."""

    source: EncodedSource
    regions: Regions
    transfer: Callable[[Regions], Regions]
    background: BackgroundPredictor | None


class MraaAnimator(SizedAnimator):
    """Region predictor, generator, and the networks of the background and of disentanglement.

    Transfer modes: "absolute" takes the driving regions as they are; "relative" moves the source's regions as the
    driving ones moved since the first frame, scaled by the square root of the ratio of their hulls' areas; "avd"
    lets a network tell the source's shape from the driving frame's pose; "reconstruction" is absolute with a background
    that moves as its predictor says.

    The background predictor sees both frames, so that it is for frames of one clip: it is part of training, and the
    other modes leave the background where it is.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "avd", "reconstruction")

    def __init__(self, configuration: MraaModel) -> None:
        super().__init__(configuration.size)
        self.region_predictor = RegionPredictor(configuration.region_predictor, configuration.regions)
        self.generator = Generator(configuration)
        background, codes = configuration.background, configuration.disentanglement
        self.background_predictor = BackgroundPredictor(background) if background else None
        self.disentanglement = (
            DisentanglementNetwork(configuration.regions * REGION_VALUES, codes.identity, codes.pose) if codes else None
        )
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source features and regions, and what the transfer starts from.

        Raises:
            InputError: "relative" with regions on one line, or "avd" of a model without that network.
        """
        regions = self.region_predictor(source)
        background = self.background_predictor if transfer == "reconstruction" else None
        moved = self._transfer(regions, first_driving, transfer)
        return EncodedClip(self.generator.encode(source), regions, moved, background)

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        frame, small, levels = encoded.source
        source = EncodedSource(
            frame.expand(count, -1, -1, -1),
            small.expand(count, -1, -1, -1),
            tuple(level.expand(count, -1, -1, -1) for level in levels),
        )
        seen = self.region_predictor(driving)
        moved = encoded.transfer(seen)
        axes = (encoded.regions.affine, seen.affine, moved.affine)
        record_keypoints(encoded.regions.shift, seen.shift, moved.shift, axes)
        background = None if encoded.background is None else encoded.background(source.frame, driving)
        return self.generator.render(source, repeated(encoded.regions, count), moved, background).frames

    def _transfer(self, source: Regions, first_driving: Tensor, transfer: str) -> Callable[[Regions], Regions]:
        if transfer in ("absolute", "reconstruction"):
            return absolute
        if transfer == "relative":
            first = self.region_predictor(first_driving)
            return Relative(RelativePosition(source.shift, first.shift).adapted(), source, first)
        if self.disentanglement is None:
            raise InputError("this model has no network for the transfer mode 'avd': take 'absolute' or 'relative'")
        return Disentangled(self.disentanglement, source)


def repeated(regions: Regions, count: int) -> Regions:
    """Regions of batch size 1 as `count` equal rows."""
    return Regions(*(value.expand(count, *value.shape[1:]) for value in regions))
