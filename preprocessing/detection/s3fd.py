"""Faces by S3FD as the package face-alignment has it: the published choice for VoxCeleb."""

from collections.abc import Sequence

from lia_bench.core.published_networks import load_s3fd
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification, torch_device

DETECTOR = DetectorSpecification(
    name="s3fd",
    subject="face",
    summary="S3FD of face-alignment, the published choice for VoxCeleb: finds small faces, wants a GPU",
    weights="s3fd",
    library="face-alignment",
    build="lia_bench.preprocessing.detection.s3fd:S3FD",
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
