"""Joints of a person by MediaPipe's pose landmarker."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.mediapipe_library import open_pose_landmarker
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification, subject_index

if TYPE_CHECKING:
    from torch import Tensor

JOINTS = 33

EXTRACTOR = ExtractorSpecification(
    name="mediapipe-body",
    summary="33 joints of a person by MediaPipe's pose landmarker",
    weights=("mediapipe-pose",),
    shape=(JOINTS, 2),
    build="lia_bench.metrics.extractors.mediapipe_body:MediapipeBody",
    library="mediapipe",
)

LEAST_VISIBILITY = 0.5
"""The landmarker places every joint of a person, hidden ones too, and says how sure it is that each is seen."""


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
