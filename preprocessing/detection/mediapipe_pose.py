"""Persons by MediaPipe's pose landmarker, which finds 33 points of up to four people."""

from collections.abc import Sequence
from typing import Any

from lia_bench.core.mediapipe_library import ImageTask, refuse_other_than_cpu
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, DetectorSpecification

DETECTOR = DetectorSpecification(
    name="mediapipe-pose",
    subject="person",
    summary="MediaPipe's pose landmarker: up to four people",
    weights="mediapipe-pose",
    library="mediapipe",
    build="lia_bench.preprocessing.detection.mediapipe_pose:MediapipePose",
)

PERSONS = 4
HEAD = slice(0, 11)
ANKLES = slice(27, 29)
VISIBLE = 0.5
MARGIN = 0.08
"""Of the larger side: the topmost points are the eyes and the lowest the toes, so the points' hull has no hair."""


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
        weights = locate("mediapipe-pose")
        from mediapipe.tasks.python import BaseOptions, vision

        # Single images and not a video, so that no frame depends on those before it.
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(weights)), num_poses=PERSONS
        )
        self._task = ImageTask(lambda: vision.PoseLandmarker.create_from_options(options), weights)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector.detect`. The score is the mean visibility of the points."""
        return [self._persons(frame) for frame in frames]

    def _persons(self, frame: Frame) -> list[Detection]:
        height, width = frame.shape[:2]
        poses = self._task.detect(frame).pose_landmarks
        return sorted((_detection(points, width, height) for points in poses), key=lambda found: -found.score)


def _detection(points: Sequence[Any], width: int, height: int) -> Detection:
    across = [point.x * width for point in points]
    down = [point.y * height for point in points]
    margin = MARGIN * max(max(across) - min(across), max(down) - min(down))
    return Detection(
        Box(min(across) - margin, min(down) - margin, max(across) + margin, max(down) + margin),
        sum(point.visibility for point in points) / len(points),
        head_visible=any(point.visibility > VISIBLE for point in points[HEAD]),
        feet_visible=any(point.visibility > VISIBLE for point in points[ANKLES]),
    )
