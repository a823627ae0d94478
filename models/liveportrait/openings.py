"""How far eyes and lips are open, from MediaPipe's face landmarks."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.core.mediapipe_library import ImageTask
from lia_bench.core.weights import locate
from lia_bench.models.liveportrait.transfer import Openings

# Points of the face mesh: upper and lower lid or lip, then the corners; eyes as seen in the picture.
LEFT_EYE = (159, 145, 33, 133)
RIGHT_EYE = (386, 374, 263, 362)
LIPS = (13, 14, 78, 308)


class FaceOpenings:
    """Reads openings off frames by the face landmarker that AKD rests on, too.

    The authors read them off 203 landmarks of a network of their own; ratios of the same lids and corners differ from
    theirs by what the landmarks differ.
    """

    def __init__(self, task: ImageTask) -> None:
        self._task = task

    def of(self, frames: Tensor) -> Openings:
        """Openings of faces in frames (B, 3, H, W) in [0, 1].

        Raises:
            InputError: a frame without a face.
        """
        pixels = (frames * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        points = np.stack([self._points(frame) for frame in pixels])
        left, right, lips = (_opening(points, places) for places in (LEFT_EYE, RIGHT_EYE, LIPS))
        eyes = torch.from_numpy(np.stack((left, right), axis=1))
        return Openings(eyes.to(frames), torch.from_numpy(lips).to(frames))

    def _points(self, frame: NDArray[np.uint8]) -> NDArray[np.float32]:
        faces = self._task.detect(frame).face_landmarks
        if not faces:
            raise InputError(
                "no face is found in a frame, so that nobody knows how far its eyes and lips are open: "
                "crop to the face, or leave retargeting out"
            )
        height, width = frame.shape[:2]
        return np.array([(point.x * width, point.y * height) for point in faces[0]], dtype=np.float32)


@cache
def face_openings() -> FaceOpenings:
    """With the landmarker's weights on this machine.

    Raises:
        MissingWeightsError: they are not here.
        CheckpointError: MediaPipe refuses them.
    """
    weights = locate("face-landmarker")
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(weights)), num_faces=1)
    return FaceOpenings(ImageTask(lambda: vision.FaceLandmarker.create_from_options(options), weights))


def _opening(points: NDArray[np.float32], places: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """|upper - lower| / |corner - corner| of points (B, N, 2): (B,)."""
    upper, lower, corner, other = (points[:, place] for place in places)
    gap = np.linalg.norm(upper - lower, axis=1)
    opening: NDArray[np.float32] = gap / (np.linalg.norm(corner - other, axis=1) + 1e-6)
    return opening
