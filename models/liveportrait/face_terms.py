"""What landmarks add to the first stage: parts of the face compared by themselves, and guided points (section 3.1)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import roi_align

from lia_bench.models.liveportrait.configuration import WingConfiguration
from lia_bench.models.liveportrait.face_landmarks import LIP_OUTLINE

# Which point of 21 is drawn to which of MediaPipe's. That there are ten, of eyes and lips, is the paper's; which ones
# was not published: of the eyes, those that move gaze and lids, and of the lips, those that move with the region.
GUIDED = {11: 468, 15: 473, 13: 159, 16: 386, 6: 13, 12: 14, 14: 78, 17: 308, 19: 0, 20: 17}
# Half of 256: the Wing loss is stated in pixels of a face image.
PIXELS = 128.0


@dataclass(frozen=True)
class FacePart:
    """A part of generated and true frames, (B, 3, side, side) each, of the frames that show a face.

    Attributes:
        share: 1; or 0 where no frame shows a face, and the parts are whole frames that nothing is to be learned from.
    """

    generated: Tensor
    true: Tensor
    share: float


def part_of(generated: Tensor, true: Tensor, landmarks: Tensor, name: str, side: int, margin: float) -> FacePart:
    """The face or the lips, cut out of both at the place where the true frames show them.

    Args:
        generated, true: frames (B, 3, H, W).
        landmarks: (B, 478, 2) of the true frames, as `FaceLandmarks.of` gives them.
        name: "face" or "lips".
        side: of the parts, in pixels.
        margin: around the landmarks, as a share of their larger extent.
    """
    chosen = landmarks if name == "face" else landmarks[:, list(LIP_OUTLINE)]
    shown = shows_face(landmarks)
    rows = shown if shown.any() else torch.ones_like(shown)
    boxes = square_around(chosen[rows], margin)
    return FacePart(cut(generated[rows], boxes, side), cut(true[rows], boxes, side), float(shown.any()))


def shows_face(landmarks: Tensor) -> Tensor:
    """Whether a face was found, (B,), of landmarks (B, N, 2)."""
    return ~landmarks.isnan().flatten(1).any(dim=1)


def square_around(points: Tensor, margin: float) -> Tensor:
    """Left, top, right and bottom (B, 4) of a square around points (B, N, 2); of the whole frame where these are NaN.

    `margin` is a share of the points' larger extent.
    """
    low, high = points.amin(dim=1), points.amax(dim=1)
    half = (high - low).amax(dim=1, keepdim=True) * (0.5 + margin)
    middle = (low + high) / 2
    boxes = torch.cat((middle - half, middle + half), dim=1)
    return torch.where(boxes.isnan(), boxes.new_tensor([-1.0, -1.0, 1.0, 1.0]), boxes)


def cut(frames: Tensor, boxes: Tensor, side: int) -> Tensor:
    """What frames (B, 3, H, W) show in boxes (B, 4), -1 and 1 at the frame's edges: (B, 3, side, side)."""
    height, width = frames.shape[2:]
    pixels = (boxes + 1) / 2 * boxes.new_tensor([width, height, width, height])
    cropped: Tensor = roi_align(frames.float(), list(pixels.float().split(1)), side, aligned=True)
    return cropped


def guidance(points: Tensor, landmarks: Tensor, shape: WingConfiguration) -> Tensor:
    """Mean Wing loss of x and y of ten points of (B, K, 3) and the landmarks (B, 478, 2) they stand for.

    Frames without a face count nothing.
    """
    wanted = landmarks[:, list(GUIDED.values())]
    known = ~wanted.isnan()
    difference = torch.where(known, points[:, list(GUIDED), :2] - wanted.nan_to_num(), 0.0)
    total = wing(difference * PIXELS, shape.width, shape.curvature).sum()
    return total / known.sum().clamp(min=1)


def wing(difference: Tensor, width: float, curvature: float) -> Tensor:
    """w ln(1 + |d| / e) below w, and |d| less a constant beyond, elementwise (Feng et al., CVPR 2018, equation 5)."""
    size = difference.abs()
    inside = width * torch.log1p(size / curvature)
    at_width = width * torch.log1p(torch.tensor(width / curvature)).item()
    return torch.where(size < width, inside, size - width + at_width)
