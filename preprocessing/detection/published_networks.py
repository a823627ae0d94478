"""The published choices: face-alignment's S3FD for faces of VoxCeleb, torchvision's network for persons of Tai-Chi-HD.

The latter is Mask R-CNN with keypoints. Both want a GPU.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lia_bench.core.published_networks import SEEN, PersonNetwork, load_s3fd
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification, torch_device

if TYPE_CHECKING:
    from torch import Tensor

DETECTOR = (
    DetectorSpecification(
        name="s3fd",
        subject="face",
        summary="S3FD of face-alignment, the published choice for VoxCeleb: finds small faces, wants a GPU",
        weights="s3fd",
        library="face-alignment",
        build="lia_bench.preprocessing.detection.published_networks:S3FD",
    ),
    DetectorSpecification(
        name="keypoint-rcnn",
        subject="person",
        summary="torchvision's Mask R-CNN with keypoints, the published choice for Tai-Chi-HD: wants a GPU",
        weights="keypointrcnn",
        library="torchvision",
        build="lia_bench.preprocessing.detection.published_networks:KeypointRCNN",
    ),
)


class S3FD:
    """A `Detector`. Scores and overlaps are cut where the package cuts them: at 0.5 and 0.3."""

    def __init__(self, device: str) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are not the published ones.
            DeviceError: no such device.
        """
        self._network = load_s3fd(torch_device(device))

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`.

        One frame at a time: in a batch the package takes the places of faces of all frames for places of each, and
        what comes out for a frame would depend on those beside it.
        """
        return [self._faces(frame) for frame in frames]

    def _faces(self, frame: Frame) -> list[Detection]:
        found = [
            Detection(Box(*(float(side) for side in face[:4])), float(face[4]))
            for face in self._network.detect_from_image(frame)
        ]
        return sorted(found, key=lambda detection: -detection.score)


HEAD = slice(0, 5)
ANKLES = slice(15, 17)


class KeypointRCNN:
    """A `Detector` of COCO's seventeen keypoints."""

    def __init__(self, device: str) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are not the published ones.
            DeviceError: no such device.
        """
        self._network = PersonNetwork(torch_device(device))

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`."""
        import torch

        return [self._persons(self._network(torch.from_numpy(frame.copy()).permute(2, 0, 1))) for frame in frames]

    @staticmethod
    def _persons(found: "dict[str, Tensor]") -> list[Detection]:
        return [
            Detection(
                Box(*box.tolist()),
                float(score),
                head_visible=bool((points[HEAD] > SEEN).any()),
                feet_visible=bool((points[ANKLES] > SEEN).any()),
            )
            for box, score, points in zip(found["boxes"], found["scores"], found["keypoints_scores"], strict=True)
        ]
