"""FOMM as a model of the zoo."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.animator import Animator
from lia_bench.models.blocks.matrices import inverse, multiply
from lia_bench.models.blocks.movement_scale import movement_scale
from lia_bench.models.fomm.configuration import FommModel
from lia_bench.models.fomm.generator import EncodedSource, Generator
from lia_bench.models.fomm.keypoint_detector import KeypointDetector, Keypoints


@dataclass(frozen=True)
class EncodedClip:
    """A source, its keypoints, and what relative transfer starts from; batch size 1 throughout.

    Attributes:
        first: the first driving frame's keypoints; None for absolute transfer.
        scale: factor on the driving keypoints' displacement.
    """

    source: EncodedSource
    keypoints: Keypoints
    first: Keypoints | None
    scale: float


class FommAnimator(Animator):
    """Keypoint detector and generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints and
    Jacobians as the driving ones moved since the first frame; "relative_adapted" also scales that movement by the
    square root of the ratio of the keypoints' hull areas, source over first driving frame.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_adapted")

    def __init__(self, configuration: FommModel) -> None:
        super().__init__()
        self.size = configuration.size
        self.keypoint_detector = KeypointDetector(configuration.keypoint_detector, configuration.keypoints)
        self.generator = Generator(configuration)
        # Convolutions on a processor are a tenth to a fifth faster so.
        self.to(memory_format=torch.channels_last)

    @property
    def frame_size(self) -> int:
        """The configured size: other sizes would run, but the detector has learned at this one.

        For another, give it as `size`; the weights fit every size.
        """
        return self.size

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source features and keypoints, and the first driving frame's keypoints where the transfer needs them.

        Raises:
            InputError: "relative_adapted" with keypoints on one line.
        """
        keypoints = self.keypoint_detector(source)
        first = self.keypoint_detector(first_driving) if transfer != "absolute" else None
        scale = 1.0
        if first is not None and transfer == "relative_adapted":
            scale = movement_scale(keypoints.position[0], first.position[0])
        return EncodedClip(self.generator.encode(source), keypoints, first, scale)

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = EncodedSource(*(value.expand(count, -1, -1, -1) for value in encoded.source))
        keypoints = Keypoints(
            encoded.keypoints.position.expand(count, -1, -1), encoded.keypoints.jacobian.expand(count, -1, -1, -1)
        )
        moved = transferred(encoded, self.keypoint_detector(driving))
        return self.generator.render(source, keypoints, moved).frames


def transferred(encoded: EncodedClip, driving: Keypoints) -> Keypoints:
    """The keypoints (B, K) that the source is to take, from the driving frames' (FOMM section 3.4)."""
    first = encoded.first
    if first is None:
        return driving
    return Keypoints(
        encoded.scale * (driving.position - first.position) + encoded.keypoints.position,
        multiply(multiply(driving.jacobian, inverse(first.jacobian)), encoded.keypoints.jacobian),
    )
