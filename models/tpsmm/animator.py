"""TPSMM as a model of the zoo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.transfer import DisentanglementNetwork, RelativePosition, absolute
from lia_bench.models.tpsmm.configuration import TpsmmModel
from lia_bench.models.tpsmm.dense_motion import KEYPOINTS_PER_SPLINE, BackgroundPredictor, DenseMotion, KeypointDetector
from lia_bench.models.tpsmm.inpainting import InpaintingNetwork


@dataclass(frozen=True)
class Disentangled:
    """Keypoints of the source's shape in the driving frames' pose; batch size 1 in the source."""

    network: DisentanglementNetwork
    source: Tensor

    def __call__(self, driving: Tensor) -> Tensor:
        """Keypoints (B, K, 2) for the source."""
        moved: Tensor = self.network(self.source.expand_as(driving).flatten(1), driving.flatten(1))
        return moved.reshape(driving.shape)


@dataclass(frozen=True)
class EncodedClip:
    """A source and what its transfer starts from; batch size 1 throughout.

    Attributes:
        source: (1, 3, H, W); `small`: as dense motion sees it; `features`: the inpainting network's maps of it.
        keypoints: (1, K, 2), the source's.
        transfer: keypoints (B, K, 2) that the source is to take, from the driving frames'.
        background: from source and driving frames to the background's motion; None stands still.
    """

    source: Tensor
    small: Tensor
    features: list[Tensor]
    keypoints: Tensor
    transfer: Callable[[Tensor], Tensor]
    background: BackgroundPredictor | None


class TpsmmAnimator(SizedAnimator):
    """Keypoint detector, dense motion, inpainting network; perhaps background predictor and disentanglement network.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints as the
    driving ones moved since the first frame, scaled by the square root of the ratio of the keypoints' hull areas,
    source over first driving frame; "avd" has a network make keypoints of the source's shape in the driving frame's
    pose; "reconstruction" is absolute with a background that moves as predicted from both frames.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "avd", "reconstruction")

    def __init__(self, configuration: TpsmmModel) -> None:
        super().__init__(configuration.size)
        self.keypoint_detector = KeypointDetector(configuration.keypoint_detector, configuration.splines)
        self.dense_motion = DenseMotion(configuration)
        self.inpainting_network = InpaintingNetwork(configuration.inpainting)
        background, codes = configuration.background, configuration.disentanglement
        self.background_predictor = BackgroundPredictor(background) if background else None
        self.disentanglement = (
            DisentanglementNetwork(configuration.splines * KEYPOINTS_PER_SPLINE * 2, codes.identity, codes.pose)
            if codes
            else None
        )
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Features and keypoints of the source, and what the transfer starts from.

        Raises:
            InputError: "relative" with keypoints on one line, or "avd" without the network for it.
        """
        keypoints = self.keypoint_detector(source)
        return EncodedClip(
            source=source,
            small=self.dense_motion.downsample(source),
            features=self.inpainting_network.encode(source),
            keypoints=keypoints,
            transfer=self._transfer(keypoints, first_driving, transfer),
            background=self.background_predictor if transfer == "reconstruction" else None,
        )

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = encoded.source.expand(count, -1, -1, -1)
        seen = self.keypoint_detector(driving)
        moved = encoded.transfer(seen)
        record_keypoints(encoded.keypoints, seen, moved, together=KEYPOINTS_PER_SPLINE)
        motion = self.dense_motion.blend(
            encoded.small.expand(count, -1, -1, -1),
            encoded.keypoints.expand(count, -1, -1),
            moved,
            None if encoded.background is None else encoded.background(source, driving),
        )
        features = [maps.expand(count, -1, -1, -1) for maps in encoded.features]
        return self.inpainting_network.render(source, features, motion)

    def _transfer(self, source: Tensor, first_driving: Tensor, transfer: str) -> Callable[[Tensor], Tensor]:
        if transfer == "relative":
            return RelativePosition(source, self.keypoint_detector(first_driving)).adapted()
        if transfer == "avd":
            if self.disentanglement is None:
                raise InputError("this model has no network for the transfer mode 'avd': take another mode")
            return Disentangled(self.disentanglement, source)
        return absolute
