"""Faces by BlazeFace, MediaPipe's detector for faces near the camera: fast on a CPU.

Its boxes are square and hold the face from the brows to the chin. It sees the whole frame at 128x128, so faces that
are smaller than about a tenth of the frame are missed.
"""

from collections.abc import Sequence
from typing import Any

from lia_bench.core.mediapipe_library import ImageTask, refuse_other_than_cpu
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification

DETECTOR = DetectorSpecification(
    name="mediapipe",
    subject="face",
    summary="MediaPipe's BlazeFace, short range: fast, misses small faces",
    weights="blazeface",
    library="mediapipe",
    build="lia_bench.preprocessing.detection.mediapipe_faces:MediapipeFaces",
)


class MediapipeFaces:
    """A `Detector`."""

    def __init__(self, device: str) -> None:
        """Load the network; `device` has to be "cpu".

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: MediaPipe refuses them.
            DeviceError: another device.
        """
        refuse_other_than_cpu(device)
        weights = locate("blazeface")
        from mediapipe.tasks.python import BaseOptions, vision

        # Single images and not a video, so that no frame depends on those before it.
        options = vision.FaceDetectorOptions(base_options=BaseOptions(model_asset_path=str(weights)))
        self._task = ImageTask(lambda: vision.FaceDetector.create_from_options(options), weights)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`."""
        return [self._faces(frame) for frame in frames]

    def _faces(self, frame: Frame) -> list[Detection]:
        found = [_detection(face) for face in self._task.detect(frame).detections]
        return sorted(found, key=lambda detection: -detection.score)


def _detection(face: Any) -> Detection:
    box = face.bounding_box
    sides = Box(box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height)
    return Detection(sides, float(face.categories[0].score))
