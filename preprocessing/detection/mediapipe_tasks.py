"""Faces and persons by MediaPipe, fast on a CPU.

BlazeFace, its detector for faces near the camera, gives square boxes that hold the face from the brows to the chin. It
sees the whole frame at 128x128, so faces that are smaller than about a tenth of the frame are missed. The pose
landmarker finds 33 points of up to four people.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from lia_bench.core.mediapipe_library import open_face_detector, open_pose_landmarker, refuse_other_than_cpu
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification

DETECTOR = (
    DetectorSpecification(
        name="mediapipe",
        subject="face",
        summary="MediaPipe's BlazeFace, short range: fast, misses small faces",
        weights="blazeface",
        library="mediapipe",
        build="lia_bench.preprocessing.detection.mediapipe_tasks:MediapipeFaces",
    ),
    DetectorSpecification(
        name="mediapipe-pose",
        subject="person",
        summary="MediaPipe's pose landmarker: up to four people",
        weights="mediapipe-pose",
        library="mediapipe",
        build="lia_bench.preprocessing.detection.mediapipe_tasks:MediapipePose",
    ),
)

HEAD = slice(0, 11)
ANKLES = slice(27, 29)
VISIBLE = 0.5
MARGIN = 0.08
"""Of the larger side: the topmost points are the eyes and the lowest the toes, so the points' hull has no hair."""


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
        self._task = open_face_detector()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`."""
        return [_surest_first(map(_face, self._task.detect(frame).detections)) for frame in frames]


class MediapipePose:
    """A `Detector`."""

    def __init__(self, device: str) -> None:
        """Load the network; `device` has to be "cpu".

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: MediaPipe refuses them.
            DeviceError: another device.
        """
        refuse_other_than_cpu(device)
        self._task = open_pose_landmarker()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`. The score is the mean visibility of the points."""
        return [self._persons(frame) for frame in frames]

    def _persons(self, frame: Frame) -> list[Detection]:
        height, width = frame.shape[:2]
        return _surest_first(_person(points, width, height) for points in self._task.detect(frame).pose_landmarks)


def _surest_first(found: Iterable[Detection]) -> list[Detection]:
    return sorted(found, key=lambda detection: -detection.score)


def _face(face: Any) -> Detection:
    box = face.bounding_box
    sides = Box(box.origin_x, box.origin_y, box.origin_x + box.width, box.origin_y + box.height)
    return Detection(sides, float(face.categories[0].score))


def _person(points: Sequence[Any], width: int, height: int) -> Detection:
    across = [point.x * width for point in points]
    down = [point.y * height for point in points]
    margin = MARGIN * max(max(across) - min(across), max(down) - min(down))
    return Detection(
        Box(min(across) - margin, min(down) - margin, max(across) + margin, max(down) + margin),
        sum(point.visibility for point in points) / len(points),
        head_visible=any(point.visibility > VISIBLE for point in points[HEAD]),
        feet_visible=any(point.visibility > VISIBLE for point in points[ANKLES]),
    )
