"""ArcFace's network with gradients, read from the ONNX file that CSIM rests on, and what it says of two faces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import locate
from lia_bench.models.liveportrait.face_landmarks import IRISES, MOUTH_CORNERS, NOSE
from lia_bench.models.liveportrait.face_terms import shows_face

SIDE = 112
FEATURES = 512
# Where ArcFace has eyes, nose and corners of the mouth in its crop, x and y in pixels (insightface).
TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))


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
