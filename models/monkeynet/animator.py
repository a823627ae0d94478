"""Monkey-Net as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.blocks.transfer import RelativePosition, absolute
from lia_bench.models.monkeynet.configuration import MonkeyNetModel
from lia_bench.models.monkeynet.generator import Generator
from lia_bench.models.monkeynet.keypoint_detector import KeypointDetector, Keypoints

# Takes the place of variances that adaptation made zero or negative.
SMALLEST_ADAPTED_VARIANCE = 1e-6


@dataclass(frozen=True)
class Relative:
    """The source's keypoints, moved as the driving ones since the first driving frame, with the driving covariances."""

    position: RelativePosition

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source."""
        return Keypoints(self.position(driving.position), driving.covariance)


@dataclass(frozen=True)
class RelativeAdapted:
    """As `Relative`, with the source's covariances changed as the driving ones; batch size 1 in the fields."""

    position: RelativePosition
    source: Tensor
    first: Tensor

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source."""
        covariance = adapted(driving.covariance, self.first, self.source)
        return Keypoints(self.position(driving.position), covariance)


@dataclass(frozen=True)
class EncodedClip:
    """A source and its keypoints, batch size 1, and how keypoints are transferred to it.

    Attributes:
        levels: the source and its features, as the generator encodes them.
    """

    levels: list[Tensor]
    keypoints: Keypoints
    transfer: Callable[[Keypoints], Keypoints]


class MonkeyNetAnimator(SizedAnimator):
    """Keypoint detector and generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints as
    the driving ones moved since the first frame, with the driving frame's covariances (section 3.6);
    "relative_adapted" also scales that movement by the square root of the ratio of the keypoints' hull areas, source
    over first driving frame, and changes the source's covariances as the driving ones changed.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_adapted")

    def __init__(self, configuration: MonkeyNetModel) -> None:
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
        levels = [level.expand(count, -1, -1, -1) for level in encoded.levels]
        keypoints = Keypoints(
            encoded.keypoints.position.expand(count, -1, -1), encoded.keypoints.covariance.expand(count, -1, -1, -1)
        )
        moved = encoded.transfer(self.keypoint_detector(driving))
        return self.generator.render(levels, keypoints, moved).frames

    def _transfer(self, source: Keypoints, first_driving: Tensor, transfer: str) -> Callable[[Keypoints], Keypoints]:
        if transfer == "absolute":
            return absolute
        first = self.keypoint_detector(first_driving)
        position = RelativePosition(source.position, first.position)
        if transfer == "relative":
            return Relative(position)
        return RelativeAdapted(position.adapted(), source.covariance, first.covariance)


def adapted(driving: Tensor, first: Tensor, source: Tensor) -> Tensor:
    """The covariances nearest to V_driving V_first^-1 V_source, (..., 2, 2): symmetric, without negative variances."""
    carried = multiply(multiply(driving, inverse(first)), source)
    variances, axes = torch.linalg.eigh((carried + carried.transpose(-2, -1)) / 2)
    variances = torch.where(variances > 0, variances, SMALLEST_ADAPTED_VARIANCE)
    return multiply(axes * variances[..., None, :], axes.transpose(-2, -1))
