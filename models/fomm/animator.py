"""FOMM as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.blocks.transfer import RelativePosition, absolute
from lia_bench.models.fomm.configuration import FommModel
from lia_bench.models.fomm.generator import EncodedSource, Generator
from lia_bench.models.fomm.keypoint_detector import KeypointDetector, Keypoints


@dataclass(frozen=True)
class Relative:
    """The source's keypoints, moved as the driving ones since the first driving frame; batch size 1 in the fields."""

    position: RelativePosition
    source: Keypoints
    first: Keypoints

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source (FOMM section 3.4)."""
        change = multiply(driving.jacobian, inverse(self.first.jacobian))
        return Keypoints(self.position(driving.position), multiply(change, self.source.jacobian))


@dataclass(frozen=True)
class EncodedClip:
    """A source and its keypoints, batch size 1, and how keypoints are transferred to it."""

    source: EncodedSource
    keypoints: Keypoints
    transfer: Callable[[Keypoints], Keypoints]


class FommAnimator(SizedAnimator):
    """Keypoint detector and generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints and
    Jacobians as the driving ones moved since the first frame; "relative_adapted" also scales that movement by the
    square root of the ratio of the keypoints' hull areas, source over first driving frame.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_adapted")

    def __init__(self, configuration: FommModel) -> None:
        super().__init__(configuration.size)
        self.keypoint_detector = KeypointDetector(configuration.keypoint_detector, configuration.keypoints)
        self.generator = Generator(configuration)
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source features and keypoints, and what the transfer starts from.

        Raises:
            InputError: "relative_adapted" with keypoints on one line.
        """
        keypoints = self.keypoint_detector(source)
        return EncodedClip(self.generator.encode(source), keypoints, self._transfer(keypoints, first_driving, transfer))

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = EncodedSource(*(value.expand(count, -1, -1, -1) for value in encoded.source))
        keypoints = Keypoints(
            encoded.keypoints.position.expand(count, -1, -1), encoded.keypoints.jacobian.expand(count, -1, -1, -1)
        )
        moved = encoded.transfer(self.keypoint_detector(driving))
        return self.generator.render(source, keypoints, moved).frames

    def _transfer(self, source: Keypoints, first_driving: Tensor, transfer: str) -> Callable[[Keypoints], Keypoints]:
        if transfer == "absolute":
            return absolute
        first = self.keypoint_detector(first_driving)
        position = RelativePosition(source.position, first.position)
        if transfer == "relative_adapted":
            position = position.adapted()
        return Relative(position, source, first)
