"""MediaPipe's points of a face, for what training looks at and for how far eyes and lips are open."""

from collections import OrderedDict
from functools import cache
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.mediapipe_library import ImageTask, open_face_landmarker
from lia_bench.core.video.reader import Frame

POINTS = 478
# Places in the mesh: upper and lower lid or lip, then the corners; left and right as seen in the picture.
LEFT_EYE = (159, 145, 33, 133)
RIGHT_EYE = (386, 374, 263, 362)
LIPS = (13, 14, 78, 308)
IRISES = (468, 473)
NOSE = 1
MOUTH_CORNERS = (61, 291)
CHIN = 152
LIP_OUTLINE = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)
# Of so many frames the points are kept: 4 KB each.
KEPT = 20_000


class FaceLandmarks:
    """Reads points off frames; a frame that was seen before is known by its pixels and not looked at again."""

    def __init__(self, task: ImageTask) -> None:
        self._task = task
        self._known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()

    @torch.no_grad()
    def of(self, frames: Tensor) -> Tensor:
        """The 478 points of the face in each of the frames (B, 3, H, W) in [0, 1], where it is found.

        Returns:
            (B, 478, 2), x and y in [-1, 1], -1 and 1 at the frame's edges; NaN for a frame without a face.
        """
        pixels = (frames.detach().float() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return torch.from_numpy(np.stack([self._points(frame) for frame in pixels])).to(frames.device)

    def _points(self, frame: Frame) -> NDArray[np.float32]:
        key = blake2b(np.ascontiguousarray(frame).data, digest_size=16, salt=str(frame.shape[:2]).encode()).digest()
        known = self._known.pop(key, None)
        if known is None:
            known = self._found(frame)
        self._known[key] = known
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return known

    def _found(self, frame: Frame) -> NDArray[np.float32]:
        faces = self._task.detect(frame).face_landmarks
        if not faces:
            return np.full((POINTS, 2), np.nan, dtype=np.float32)
        return np.array([(2 * point.x - 1, 2 * point.y - 1) for point in faces[0]], dtype=np.float32)


@cache
def face_landmarks() -> FaceLandmarks:
    """With the landmarker's weights on this machine.

    Raises:
        MissingWeightsError: they are not here.
        CheckpointError: MediaPipe refuses them.
    """
    return FaceLandmarks(open_face_landmarker())
