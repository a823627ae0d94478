"""Persons by torchvision's Mask R-CNN with keypoints: the published choice for Tai-Chi-HD."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lia_bench.core.errors import CheckpointError
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import load_torch_weights, locate
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification
from lia_bench.preprocessing.detection.torch_device import torch_device

if TYPE_CHECKING:
    from torch import Tensor

DETECTOR = DetectorSpecification(
    name="keypoint-rcnn",
    subject="person",
    summary="torchvision's Mask R-CNN with keypoints, the published choice for Tai-Chi-HD: wants a GPU",
    weights="keypointrcnn",
    build="lia_bench.preprocessing.detection.keypoint_rcnn:KeypointRCNN",
)

HEAD = slice(0, 5)
ANKLES = slice(15, 17)
SEEN = 2.0
"""Score, a logit, above which the published procedure takes a keypoint for seen."""


class KeypointRCNN:
    """A `Detector` of COCO's seventeen keypoints."""

    def __init__(self, device: str) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are not the published ones.
            DeviceError: no such device.
        """
        self._device = torch_device(device)
        weights = locate("keypointrcnn")
        from torchvision.models.detection import keypointrcnn_resnet50_fpn

        network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
        try:
            network.load_state_dict(load_torch_weights(weights))
        except RuntimeError as error:
            raise CheckpointError(f"{weights}: not the weights of torchvision's keypointrcnn_resnet50_fpn") from error
        self._network = network.to(self._device).eval()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`."""
        import torch

        with torch.inference_mode():
            # One image a call, since images of a batch are padded to the largest.
            return [self._persons(self._network([self._as_image(frame)])[0]) for frame in frames]

    def _as_image(self, frame: Frame) -> "Tensor":
        import torch

        return torch.from_numpy(frame.copy()).to(self._device).permute(2, 0, 1).float().div(255)

    @staticmethod
    def _persons(found: "dict[str, Tensor]") -> list[Detection]:
        boxes, scores = found["boxes"].cpu(), found["scores"].cpu()
        keypoints = found["keypoints_scores"].cpu()
        return [
            Detection(
                Box(*box.tolist()),
                float(score),
                head_visible=bool((points[HEAD] > SEEN).any()),
                feet_visible=bool((points[ANKLES] > SEEN).any()),
            )
            for box, score, points in zip(boxes, scores, keypoints, strict=True)
        ]
