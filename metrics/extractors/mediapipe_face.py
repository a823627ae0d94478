"""Face points by MediaPipe's face landmarker."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.mediapipe_library import open_face_landmarker
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification, subject_index

if TYPE_CHECKING:
    from torch import Tensor

POINTS = 478

EXTRACTOR = ExtractorSpecification(
    name="mediapipe-face",
    summary="478 points of a face by MediaPipe's face landmarker, irises included",
    weights=("face-landmarker",),
    shape=(POINTS, 2),
    build="lia_bench.metrics.extractors.mediapipe_face:MediapipeFace",
    library="mediapipe",
)


class MediapipeFace:
    """An `Extractor` of face points; it runs on the CPU."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: MediaPipe refuses them.
        """
        self._protocol = setting.protocol
        self._task = open_face_landmarker()

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 478, 2) x, y in pixels; points may lie outside the frame."""
        return np.stack([self._points(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _points(self, frame: Frame) -> NDArray[np.float32]:
        height, width = frame.shape[:2]
        faces = [
            np.array([(point.x * width, point.y * height) for point in face], dtype=np.float32)
            for face in self._task.detect(frame).face_landmarks
        ]
        if not faces:
            return np.full((POINTS, 2), np.nan, dtype=np.float32)
        return faces[subject_index(faces, self._protocol)]
