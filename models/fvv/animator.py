"""face-vid2vid as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.transfer import RelativePosition, absolute
from lia_bench.models.blocks.volume_generator import EncodedSource
from lia_bench.models.fvv.configuration import FvvModel, ViewConfiguration
from lia_bench.models.fvv.networks import (
    CanonicalKeypointDetector,
    Generator,
    HeadMotion,
    HeadPoseEstimator,
    frame_keypoints,
)


@dataclass(frozen=True)
class EncodedClip:
    """A source, its keypoints, and what the transfer needs; batch size 1 throughout.

    Attributes:
        canonical: (1, K, 3), the source's canonical keypoints, which the driving frames share.
        keypoints: (1, K, 3), the source's keypoints as its head is turned.
        transfer: keypoints (B, K, 3) that the source is to take, from the driving frames'.
        view: angles that replace the driving frames'; None where theirs are taken.
    """

    source: EncodedSource
    canonical: Tensor
    keypoints: Tensor
    transfer: Callable[[Tensor], Tensor]
    view: ViewConfiguration | None


class FvvAnimator(SizedAnimator):
    """Canonical keypoint detector, head pose estimator and generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints as
    the driving ones moved since the first frame, scaled by the square root of the ratio of the keypoints' hull volumes,
    source over first driving frame; "relative_no_adapt" does not scale; "free_view" is "absolute" with the angles that
    the field `view` gives in place of the driving frame's.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_no_adapt", "free_view")

    def __init__(self, configuration: FvvModel) -> None:
        super().__init__(configuration.size)
        self.axes = configuration.axes
        self.view = configuration.view
        self.keypoint_detector = CanonicalKeypointDetector(
            configuration.keypoint_detector, configuration.keypoints, configuration.depth
        )
        self.pose_estimator = HeadPoseEstimator(configuration.head_pose, configuration.keypoints)
        self.generator = Generator(configuration)

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source volume and keypoints, and what the transfer starts from.

        Raises:
            InputError: "free_view" without an angle in `view`; "relative" with keypoints in one plane.
        """
        if transfer == "free_view" and not self.view.given():
            raise InputError(
                "the transfer mode 'free_view' needs an angle: load the model with view={'yaw': 20}, "
                "and pitch or roll likewise"
            )
        canonical = self.keypoint_detector(source)
        keypoints = frame_keypoints(canonical, self.pose_estimator(source), self.axes)
        moving: Callable[[Tensor], Tensor] = absolute
        if transfer.startswith("relative"):
            first = frame_keypoints(canonical, self.pose_estimator(first_driving), self.axes)
            position = RelativePosition(keypoints, first)
            moving = position.adapted() if transfer == "relative" else position
        view = self.view if transfer == "free_view" else None
        return EncodedClip(self.generator.encode(source), canonical, keypoints, moving, view)

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = EncodedSource(*(value.expand(count, -1, -1, -1, -1) for value in encoded.source))
        keypoints = encoded.keypoints.expand(count, -1, -1)
        return self.generator.render(source, keypoints, self.moved_keypoints(encoded, driving)).frames

    def moved_keypoints(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """The keypoints (B, K, 3) that the source is to take, from the driving frames (B, 3, H, W)."""
        motion = self.pose_estimator(driving)
        if encoded.view is not None:
            motion = seen_from(motion, encoded.view)
        seen = frame_keypoints(encoded.canonical, motion, self.axes)
        moved = encoded.transfer(seen)
        record_keypoints(encoded.keypoints, seen, moved)
        return moved


def seen_from(motion: HeadMotion, view: ViewConfiguration) -> HeadMotion:
    """`motion` with the angles that `view` gives; translation and expression stay."""
    angles = {name: torch.full_like(motion.yaw, degrees) for name, degrees in view.given().items()}
    return motion._replace(**angles)
