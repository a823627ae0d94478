"""SADE as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.transfer import RelativePosition, absolute
from lia_bench.models.sade.configuration import SadeModel
from lia_bench.models.sade.networks import EncodedViews, Generator, KeypointDetector


@dataclass(frozen=True)
class EncodedClip:
    """The source and its references, the source first, and how keypoints are transferred to them.

    Attributes:
        views: of N views.
        keypoints: theirs, (N, K, 2).
        transfer: keypoints (B, K, 2) that all views are to take, from the driving frames'. [A] FOMM's.
    """

    views: EncodedViews
    keypoints: Tensor
    transfer: Callable[[Tensor], Tensor]


class SadeAnimator(SizedAnimator):
    """Keypoint detector and generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints as the
    driving ones moved since the first frame; "relative_adapted" also scales that movement by the square root of the
    ratio of the keypoints' hull areas, source over first driving frame. References move to the source's pose: what
    their own is does not matter.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_adapted")
    takes_references: ClassVar[bool] = True

    def __init__(self, configuration: SadeModel) -> None:
        super().__init__(configuration.size)
        self.keypoint_detector = KeypointDetector(configuration.keypoint_detector, configuration.keypoints)
        self.generator = Generator(configuration)
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """As `encode_views`, with the source as the only view."""
        return self.encode_views(source, source[:0], first_driving, transfer)

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Features and keypoints of all views, and what the transfer starts from.

        Raises:
            InputError: "relative_adapted" with keypoints on one line.
        """
        views = torch.cat((source, references))
        keypoints = self.keypoint_detector(views)
        return EncodedClip(
            self.generator.encode(views), keypoints, self._transfer(keypoints[:1], first_driving, transfer)
        )

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        views = EncodedViews(*(value.repeat(count, 1, 1, 1) for value in encoded.views))
        seen = self.keypoint_detector(driving)
        moved = encoded.transfer(seen)
        record_keypoints(encoded.keypoints[:1], seen, moved)
        frames: Tensor = self.generator.render(views, encoded.keypoints.expand(count, -1, -1, -1), moved).frames
        return frames

    def _transfer(self, source: Tensor, first_driving: Tensor, transfer: str) -> Callable[[Tensor], Tensor]:
        if transfer == "absolute":
            return absolute
        position = RelativePosition(source, self.keypoint_detector(first_driving))
        return position.adapted() if transfer == "relative_adapted" else position
