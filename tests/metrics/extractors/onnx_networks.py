"""Networks of few numbers in the layouts of insightface's files, that find and describe painted marks."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper, save_model
from onnx.onnx_ml_pb2 import NodeProto, ValueInfoProto

STRIDES = (8, 16, 32)
ANCHORS = 2
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace has eyes, nose and corners of the mouth in a crop of 112x112 (insightface, face_align)."""


def save_network(
    path: Path,
    nodes: list[NodeProto],
    inputs: list[ValueInfoProto],
    outputs: list[ValueInfoProto],
    constants: dict[str, NDArray[np.generic]],
) -> None:
    """Write an ONNX file that ONNX Runtime reads."""
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "test", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save_model(model, str(path))


def save_detector(path: Path, pixels_per_pixel: float) -> None:
    """SCRFD's layout: scores, boxes and five points at three strides, two anchors a cell, any height and width.

    Only the first anchor of the finest stride finds anything. Its score is the cell's red in 0..1 and its box a square
    around the cell's upper left corner, whose side in cells is 2 + 20 times the green. The five points are ArcFace's
    template around that corner.

    Args:
        path: of the file.
        pixels_per_pixel: the detector's input pixels in a pixel of the frame, so that the template has the frame's
            scale.
    """
    nodes = []
    outputs = []
    constants: dict[str, NDArray[np.generic]] = {}
    points = ((TEMPLATE - 56) * pixels_per_pixel / STRIDES[0]).ravel()
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in STRIDES:
            # Input is (value - 127.5) / 128, so value / 255 is input * 128 / 255 + 0.5.
            weight = np.zeros((ANCHORS, width, 3, 1, 1))
            bias = np.zeros((ANCHORS, width))
            if stride == STRIDES[0] and kind == "score":
                weight[0, 0, 0] = 128 / 255
                bias[0] = 0.5
            elif kind == "box":
                weight[0, :, 1] = 10 * 128 / 255
                bias[0] = 1 + 10 * 0.5
            elif kind == "points":
                bias[0] = points
            name = f"{kind}{stride}"
            constants |= {
                f"{name}_weight": weight.reshape(-1, 3, 1, 1).astype(np.float32),
                f"{name}_bias": bias.ravel().astype(np.float32),
                f"{name}_shape": np.array([-1, width], dtype=np.int64),
            }
            nodes += [
                helper.make_node(
                    "AveragePool", ["image"], [f"{name}_cells"], kernel_shape=[stride] * 2, strides=[stride] * 2
                ),
                helper.make_node("Conv", [f"{name}_cells", f"{name}_weight", f"{name}_bias"], [f"{name}_map"]),
                helper.make_node("Transpose", [f"{name}_map"], [f"{name}_last"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_last", f"{name}_shape"], [name]),
            ]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, None, None])
    save_network(path, nodes, [image], outputs, constants)


def save_recogniser(path: Path, side: int = 112) -> None:
    """ArcFace's layout: the 512 numbers are means of 7x7 pixels of the crop, first red, then green."""
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[7, 7], strides=[7, 7]),
        helper.make_node("Flatten", ["cells"], ["all"]),
        helper.make_node("Slice", ["all", "start", "end", "axis"], ["embedding"]),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "start": np.array([0], dtype=np.int64),
        "end": np.array([512], dtype=np.int64),
        "axis": np.array([1], dtype=np.int64),
    }
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 3, side, side])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [None, min(512, 3 * (side // 7) ** 2)])
    save_network(path, nodes, [image], [embedding], constants)
