"""The landmark network beside LivePortrait's weights: 203 points of a face that is roughly known, from an ONNX file."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.weights import locate
from lia_bench.models.liveportrait.face_landmarks import LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE

POINTS = 203
SIDE = 224
# The square that the network is shown: of the face's larger extent, and how far it is moved up, of its own side.
SCALE = 1.5
RAISED = 0.1
# Which of its outputs holds the points, from 0 to 1 across the square.
OUTPUT = 2


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
            found = self._session.run(None, {self._input: np.zeros((1, 3, SIDE, SIDE), dtype=np.float32)})
        except Exception as error:  # The library's errors have no base class of their own.
            reason = str(error).partition("\n")[0]
            raise CheckpointError(f"{path}: ONNX Runtime refuses this file ({reason}): fetch it again") from error
        sizes = [np.size(output) for output in found]
        if sizes[OUTPUT : OUTPUT + 1] != [2 * POINTS]:
            raise CheckpointError(
                f"{path}: not LivePortrait's landmark network: its outputs have {sizes} numbers, and the third not "
                f"{2 * POINTS}: fetch it again"
            )

    @torch.no_grad()
    def of(self, frames: Tensor, roughly: Tensor) -> Tensor:
        """Points (B, 203, 2), -1 and 1 at the frame's edges.

        Args:
            frames: square ones, (B, 3, S, S) in [0, 1].
            roughly: MediaPipe's landmarks of the faces, (B, 478, 2); NaN for a frame without one gives NaN.
        """
        middle, right, down = upright_squares(roughly)
        places = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
        across, along = (
            right[:, None, None] * places[None, None, :, None],
            down[:, None, None] * places[None, :, None, None],
        )
        grid = middle[:, None, None] + across + along
        shown = F.grid_sample(frames.float().cpu(), grid.nan_to_num(), align_corners=False)
        found = np.stack([self._session.run(None, {self._input: one[None].numpy()})[OUTPUT] for one in shown])
        points = torch.from_numpy(found).reshape(len(frames), POINTS, 2).float() * 2 - 1
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
    half = (high - low).amax(dim=1, keepdim=True) / 2 * SCALE
    centre = (low + high) / 2
    middle = right * centre[:, :1] + down * (centre[:, 1:] - 2 * RAISED * half)
    return middle, right * half, down * half


@cache
def authors_landmarks() -> AuthorsLandmarks:
    """The network with the weights on this machine; raises as its constructor."""
    return AuthorsLandmarks()
