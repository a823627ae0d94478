"""Points of a face, for what training looks at and for how far eyes and lips are open.

MediaPipe's 478; and the 203 of the landmark network beside LivePortrait's weights, from an ONNX file, which needs to
know roughly where the face is.
"""

from collections import OrderedDict
from functools import cache
from hashlib import blake2b

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.mediapipe_library import ImageTask, open_face_landmarker
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate

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


AUTHORS_POINTS = 203
AUTHORS_SIDE = 224
# The square that the network is shown: of the face's larger extent, and how far it is moved up, of its own side.
AUTHORS_SCALE = 1.5
AUTHORS_RAISED = 0.1
# Which of its outputs holds the points, from 0 to 1 across the square.
AUTHORS_OUTPUT = 2


class AuthorsLandmarks:
    """Reads 203 points off an upright square around the face; on the CPU."""

    def __init__(self) -> None:
        """
        Raises:
            MissingWeightsError: the file is not here.
            CheckpointError: it is damaged or another network's.
        """
        import onnxruntime

        path = locate("liveportrait-landmark")
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            self._input = self._session.get_inputs()[0].name
            black = np.zeros((1, 3, AUTHORS_SIDE, AUTHORS_SIDE), dtype=np.float32)
            found = self._session.run(None, {self._input: black})
        except Exception as error:  # The library's errors have no base class of their own.
            reason = str(error).partition("\n")[0]
            raise CheckpointError(f"{path}: ONNX Runtime refuses this file ({reason}): fetch it again") from error
        sizes = [np.size(output) for output in found]
        if sizes[AUTHORS_OUTPUT : AUTHORS_OUTPUT + 1] != [2 * AUTHORS_POINTS]:
            raise CheckpointError(
                f"{path}: not LivePortrait's landmark network: its outputs have {sizes} numbers, and the third not "
                f"{2 * AUTHORS_POINTS}: fetch it again"
            )

    @torch.no_grad()
    def of(self, frames: Tensor, roughly: Tensor) -> Tensor:
        """Points (B, 203, 2), -1 and 1 at the frame's edges.

        Args:
            frames: square ones, (B, 3, S, S) in [0, 1].
            roughly: MediaPipe's landmarks of the faces, (B, 478, 2); NaN for a frame without one gives NaN.
        """
        middle, right, down = upright_squares(roughly)
        places = (torch.arange(AUTHORS_SIDE) + 0.5) / AUTHORS_SIDE * 2 - 1
        across, along = (
            right[:, None, None] * places[None, None, :, None],
            down[:, None, None] * places[None, :, None, None],
        )
        grid = middle[:, None, None] + across + along
        shown = F.grid_sample(frames.float().cpu(), grid.nan_to_num(), align_corners=False)
        found = [self._session.run(None, {self._input: one[None].numpy()})[AUTHORS_OUTPUT] for one in shown]
        points = torch.from_numpy(np.stack(found)).reshape(len(frames), AUTHORS_POINTS, 2).float() * 2 - 1
        back = middle[:, None] + points[..., :1] * right[:, None] + points[..., 1:] * down[:, None]
        return back.to(frames.device)


def upright_squares(landmarks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Squares around faces (B, 478, 2), turned so that the mouth is below the eyes.

    Returns:
        The middle, and half a side to the right and down, (B, 2) each, on the CPU.
    """
    points = landmarks.float().cpu()
    eyes, mouth = points[:, [*LEFT_EYE, *RIGHT_EYE]].mean(dim=1), points[:, list(MOUTH_CORNERS)].mean(dim=1)
    down = F.normalize(mouth - eyes, dim=1)
    right = torch.stack((down[:, 1], -down[:, 0]), dim=1)
    turned = torch.stack(((points * right[:, None]).sum(-1), (points * down[:, None]).sum(-1)), dim=2)
    low, high = turned.amin(dim=1), turned.amax(dim=1)
    half = (high - low).amax(dim=1, keepdim=True) / 2 * AUTHORS_SCALE
    centre = (low + high) / 2
    middle = right * centre[:, :1] + down * (centre[:, 1:] - 2 * AUTHORS_RAISED * half)
    return middle, right * half, down * half


@cache
def authors_landmarks() -> AuthorsLandmarks:
    """The network with the weights on this machine; raises as its constructor."""
    return AuthorsLandmarks()
