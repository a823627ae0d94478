"""Points, expression and pose of a face, and joints of a person, by one look of MediaPipe's landmarker for each."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.mediapipe_library import open_face_landmarker, open_pose_landmarker
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.extractors.extractor import (
    POINTS,
    ExtractorSetting,
    ExtractorSpecification,
    Part,
    subject_index,
)

if TYPE_CHECKING:
    from torch import Tensor

FACE_POINTS = 478
BLENDSHAPES = 52
NUMBERS = 2 * FACE_POINTS + BLENDSHAPES + 16

EXPRESSION = "expression"
"""The part of 52 blendshapes, each from 0 to 1, in the landmarker's order (ARKit's, '_neutral' first)."""
POSE = "pose"
"""The part of the (4, 4) matrix that moves the landmarker's average face, in centimetres, to where the camera sees it.

x to the picture's right, y up, z towards the camera; the upper left (3, 3) is a rotation.
"""

FACES = ExtractorSpecification(
    name="mediapipe-face",
    summary="478 points, 52 blendshapes and the pose of a face by MediaPipe's face landmarker",
    weights=("face-landmarker",),
    shape=(NUMBERS,),
    build="lia_bench.metrics.extractors.mediapipe_landmarks:MediapipeFace",
    library="mediapipe",
    parts={
        POINTS: Part(0, (FACE_POINTS, 2)),
        EXPRESSION: Part(2 * FACE_POINTS, (BLENDSHAPES,)),
        POSE: Part(2 * FACE_POINTS + BLENDSHAPES, (4, 4)),
    },
    version=2,
)

JOINTS = 33

BODIES = ExtractorSpecification(
    name="mediapipe-body",
    summary="33 joints of a person by MediaPipe's pose landmarker",
    weights=("mediapipe-pose",),
    shape=(JOINTS, 2),
    build="lia_bench.metrics.extractors.mediapipe_landmarks:MediapipeBody",
    library="mediapipe",
)

EXTRACTOR = (FACES, BODIES)

LEAST_VISIBILITY = 0.5
"""The landmarker places every joint of a person, hidden ones too, and says how sure it is that each is seen."""


class MediapipeFace:
    """An `Extractor` of faces; it runs on the CPU."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: MediaPipe refuses them.
        """
        self._protocol = setting.protocol
        self._task = open_face_landmarker()

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 1024), the parts one after the other; points may lie outside the frame."""
        return np.stack([self._face(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _face(self, frame: Frame) -> NDArray[np.float32]:
        height, width = frame.shape[:2]
        found = self._task.detect(frame)
        faces = [
            np.array([(point.x * width, point.y * height) for point in face], dtype=np.float32)
            for face in found.face_landmarks
        ]
        if not faces:
            return np.full(NUMBERS, np.nan, dtype=np.float32)
        chosen = subject_index(faces, self._protocol)
        expression = [shape.score for shape in found.face_blendshapes[chosen]]
        pose = np.ravel(found.facial_transformation_matrixes[chosen])
        return np.concatenate([faces[chosen].ravel(), expression, pose], dtype=np.float32)


class MediapipeBody:
    """An `Extractor` of joints; it runs on the CPU."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: MediaPipe refuses them.
        """
        self._protocol = setting.protocol
        self._task = open_pose_landmarker()

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 33, 2) x, y in pixels; a row of NaN for a joint that is not seen."""
        return np.stack([self._joints(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _joints(self, frame: Frame) -> NDArray[np.float32]:
        height, width = frame.shape[:2]
        poses = self._task.detect(frame).pose_landmarks
        if not poses:
            return np.full((JOINTS, 2), np.nan, dtype=np.float32)
        places = [np.array([(joint.x * width, joint.y * height) for joint in pose], dtype=np.float32) for pose in poses]
        chosen = subject_index(places, self._protocol)
        visibility = np.array([joint.visibility for joint in poses[chosen]])
        places[chosen][visibility < LEAST_VISIBILITY] = np.nan
        return places[chosen]
