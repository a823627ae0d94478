"""Persons by torchvision's Mask R-CNN with keypoints: the published choice for Tai-Chi-HD."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lia_bench.core.published_networks import SEEN, PersonNetwork
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification, torch_device

if TYPE_CHECKING:
    from torch import Tensor

DETECTOR = DetectorSpecification(
    name="keypoint-rcnn",
    subject="person",
    summary="torchvision's Mask R-CNN with keypoints, the published choice for Tai-Chi-HD: wants a GPU",
    weights="keypointrcnn",
    library="torchvision",
    build="lia_bench.preprocessing.detection.keypoint_rcnn:KeypointRCNN",
)

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
