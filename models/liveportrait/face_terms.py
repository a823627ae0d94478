"""What training compares of a face: parts of it by themselves, guided points (LivePortrait section 3.1), and who it is.

Landmarks say where the parts are; identity is what ArcFace's network says of two faces. It is read, with gradients,
from the ONNX file that CSIM rests on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import locate
from lia_bench.models.liveportrait.configuration import WingConfiguration
from lia_bench.models.liveportrait.face_landmarks import IRISES, LIP_OUTLINE, MOUTH_CORNERS, NOSE

# Which point of 21 is drawn to which of MediaPipe's. That there are ten, of eyes and lips, is the paper's; which ones
# was not published: of the eyes, those that move gaze and lids, and of the lips, those that move with the region.
GUIDED = {11: 468, 15: 473, 13: 159, 16: 386, 6: 13, 12: 14, 14: 78, 17: 308, 19: 0, 20: 17}
# Half of 256: the Wing loss is stated in pixels of a face image.
PIXELS = 128.0

SIDE = 112
FEATURES = 512
# Where ArcFace has eyes, nose and corners of the mouth in its crop, x and y in pixels (insightface).
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


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


@dataclass(frozen=True)
class Layer:
    """A node of the file: what it computes, of which values, and what the result is called."""

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


def _convolution(attributes: Mapping[str, Any], image: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    padded = F.pad(image, (left, right, top, bottom))
    return F.conv2d(
        padded,
        weight,
        bias,
        attributes.get("strides", 1),
        0,
        attributes.get("dilations", 1),
        attributes.get("group", 1),
    )


def _batch_norm(attributes: Mapping[str, Any], image: Tensor, scale: Tensor, shift: Tensor, *state: Tensor) -> Tensor:
    mean, variance = state
    return F.batch_norm(image, mean, variance, scale, shift, eps=attributes.get("epsilon", 1e-5))


def _linear(attributes: Mapping[str, Any], features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(features, weight if attributes.get("transB") else weight.t(), bias)


OPERATIONS: Mapping[str, Callable[..., Tensor]] = {
    "Add": lambda attributes, one, other: one + other,
    "BatchNormalization": _batch_norm,
    "Conv": _convolution,
    "Flatten": lambda attributes, image: image.flatten(attributes.get("axis", 1)),
    "Gemm": _linear,
    "PRelu": lambda attributes, image, slope: F.prelu(image, slope.flatten()),
}
"""What the layers of an exported residual network compute, of their attributes and inputs."""


class ArcFaceNetwork(nn.Module):
    """The layers of the published file, frozen; gradients flow to the picture."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            CheckpointError: the file is damaged, or holds another network.
        """
        from onnx import load, numpy_helper
        from onnx.helper import get_attribute_value

        super().__init__()
        try:
            graph = load(str(path)).graph
        except Exception as error:  # The library's errors have no base class of their own.
            raise CheckpointError(f"{path}: not readable as ONNX ({type(error).__name__}): fetch it again") from error
        self._layers = [
            Layer(
                node.op_type,
                tuple(node.input),
                node.output[0],
                {attribute.name: get_attribute_value(attribute) for attribute in node.attribute},
            )
            for node in graph.node
        ]
        unknown = sorted({layer.operation for layer in self._layers} - OPERATIONS.keys())
        if unknown or not self._layers:
            raise CheckpointError(
                f"{path}: not the weights of ArcFace: it has layers of {', '.join(unknown) or 'none'}"
            )
        self._constants = {value.name: f"constant{number}" for number, value in enumerate(graph.initializer)}
        for value in graph.initializer:
            tensor = torch.from_numpy(numpy_helper.to_array(value).copy())
            self.register_buffer(self._constants[value.name], tensor, persistent=False)
        (self._input,) = (value.name for value in graph.input if value.name not in self._constants)

    def forward(self, image: Tensor) -> Tensor:
        """Embeddings (B, 512), of any length, of aligned faces (B, 3, 112, 112) in [0, 1]."""
        values = {name: self.get_buffer(own) for name, own in self._constants.items()}
        values[self._input] = image * 2 - 1
        for layer in self._layers:
            inputs = (values[name] for name in layer.inputs)
            result = values[layer.output] = OPERATIONS[layer.operation](layer.attributes, *inputs)
        return result


def published_arcface() -> ArcFaceNetwork:
    """With the published weights on this machine.

    Raises:
        MissingWeightsError: the file is not here; the text says how to get it and how to train without.
        CheckpointError: the file is damaged, or holds another network.
    """
    try:
        return ArcFaceNetwork(locate("arcface"))
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{error}; or train without the identity loss: --set loss.identity=0") from None


def identity_difference(network: nn.Module, generated: Tensor, true: Tensor, landmarks: Tensor) -> Tensor:
    """Mean of 1 - cosine of the embeddings of frames (B, 3, H, W), aligned by the true frames' landmarks (B, 478, 2).

    Frames without a face count nothing.
    """
    shown = shows_face(landmarks)
    if not shown.any():
        return 0 * generated.sum()
    where = landmarks[shown]
    with torch.no_grad():
        wanted = network(aligned(true[shown], where))
    return 1 - F.cosine_similarity(network(aligned(generated[shown], where)), wanted).mean()


def aligned(frames: Tensor, landmarks: Tensor) -> Tensor:
    """Faces as ArcFace wants them, (B, 3, 112, 112), moved by the similarity that brings five points to its own."""
    eyes, mouth = (landmarks[:, list(pair)].unbind(dim=1) for pair in (IRISES, MOUTH_CORNERS))
    found = torch.stack((*eyes, landmarks[:, NOSE], *mouth), dim=1).double()
    # As complex numbers a similarity is one factor and one offset.
    wanted = torch.view_as_complex(found.new_tensor(TEMPLATE))
    places = torch.view_as_complex(found)
    spread = places - places.mean(dim=1, keepdim=True)
    # Least squares from the frame to the crop (Umeyama, 1991), turned round.
    factor = spread.abs().square().sum(dim=1) / (spread.conj() * (wanted - wanted.mean())).sum(dim=1)
    offset = places.mean(dim=1) - factor * wanted.mean()
    column = torch.arange(SIDE, dtype=torch.double, device=frames.device)
    pixels = torch.complex(column.expand(SIDE, SIDE), column[:, None].expand(SIDE, SIDE))
    grid = torch.view_as_real(factor[:, None, None] * pixels + offset[:, None, None]).float()
    return F.grid_sample(frames.float(), grid, mode="bilinear", align_corners=False)
