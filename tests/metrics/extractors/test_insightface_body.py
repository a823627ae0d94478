"""Embeddings of persons by insightface: whom it takes, what of the frame, and that the manifest's hashes hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, weights_home
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.insightface_identity import BODY, InsightfaceBody
from lia_bench.metrics.specification import Protocol
from tests.deterministic import image
from tests.metrics.extractors.onnx_networks import save_network

SIDE = 128
"""Of frames, and of the detector's input; one box a cell of 16 pixels can be found."""
CELL = 16
CELLS = SIDE // CELL
REID_HEIGHT, REID_WIDTH = 64, 32
MEAN, DEVIATION = 127.5, 100.0


def save_detector(path: Path) -> None:
    """Layout of cheetah_l's detector: boxes that are always the same, and the cells' red in 0..1 as their scores."""
    corners = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), axis=-1).reshape(-1, 2) * CELL
    sizes = np.where(corners[:, 1:] >= SIDE // 2, (2 * CELL, CELL), (CELL, CELL))
    boxes = np.concatenate([corners, corners + sizes], axis=1)[None].astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[CELL] * 2, strides=[CELL] * 2),
        helper.make_node("Slice", ["cells", "start", "end", "axis"], ["red"]),
        helper.make_node("Reshape", ["red", "score_shape"], ["rows"]),
        helper.make_node("Div", ["rows", "white"], ["nms_pre_scores"]),
        # The boxes are in pixels of the frame, which here has the size of the input: both factors are 1.
        helper.make_node("ReduceMean", ["scale_factor"], ["factor"], axes=[0, 1], keepdims=0),
        helper.make_node("Div", ["boxes", "factor"], ["nms_pre_boxes"]),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "start": np.array([0], dtype=np.int64),
        "end": np.array([1], dtype=np.int64),
        "axis": np.array([1], dtype=np.int64),
        "score_shape": np.array([1, 1, CELLS**2], dtype=np.int64),
        "white": np.array(255, dtype=np.float32),
        "boxes": boxes,
    }
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE]),
        helper.make_tensor_value_info("scale_factor", TensorProto.FLOAT, [1, 2]),
    ]
    outputs = [
        helper.make_tensor_value_info("nms_pre_boxes", TensorProto.FLOAT, [1, CELLS**2, 4]),
        helper.make_tensor_value_info("nms_pre_scores", TensorProto.FLOAT, [1, 1, CELLS**2]),
    ]
    save_network(path, nodes, inputs, outputs, constants)


def save_reidentification(path: Path) -> None:
    """Layout of cheetah_l's re-identification: the 256 numbers are means of 4x2 pixels of green."""
    nodes = [
        helper.make_node("AveragePool", ["data"], ["cells"], kernel_shape=[4, 2], strides=[4, 2]),
        helper.make_node("Slice", ["cells", "start", "end", "axis"], ["green"]),
        helper.make_node("Flatten", ["green"], ["reid_embedding"]),
    ]
    constants: dict[str, NDArray[np.generic]] = {
        "start": np.array([1], dtype=np.int64),
        "end": np.array([2], dtype=np.int64),
        "axis": np.array([1], dtype=np.int64),
    }
    data = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, REID_HEIGHT, REID_WIDTH])
    embedding = helper.make_tensor_value_info("reid_embedding", TensorProto.FLOAT, [1, 256])
    save_network(path, nodes, [data], [embedding], constants)


def save_manifest(**changes: Any) -> None:
    tasks: dict[str, Any] = {
        "person_detection": {
            "file": "pp_det_med.onnx",
            "sha256": sha256_of_file(WEIGHTS["cheetah-person"].path),
            "input_size": [SIDE, SIDE],
            "preprocessing": {"mean": 0, "std": 1},
        },
        "person_reid": {
            "file": "reid_0265.onnx",
            "sha256": sha256_of_file(WEIGHTS["cheetah-reid"].path),
            "input_size": [REID_HEIGHT, REID_WIDTH],
            "preprocessing": {"mean": MEAN, "std": DEVIATION},
        },
    }
    content = {"manifest_version": 2, "model_id": "cheetah_l", "tasks": tasks} | changes
    WEIGHTS["cheetah-manifest"].path.write_text(json.dumps(content))


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weights folder with both networks and their manifest."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    weights_home().mkdir(parents=True)
    save_detector(WEIGHTS["cheetah-person"].path)
    save_reidentification(WEIGHTS["cheetah-reid"].path)
    save_manifest()


def extractor(protocol: Protocol) -> InsightfaceBody:
    return InsightfaceBody(ExtractorSetting(torch.device("cpu"), protocol))


def frame_with(*marks: tuple[tuple[int, int], int]) -> Tensor:
    """A dim frame, uint8 RGB (3, H, W), with cells (column, row) of a level of red."""
    picture = torch.from_numpy((image("dim", SIDE, 5) * 100).astype(np.uint8))
    for (column, row), red in marks:
        picture[0, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = red
    return picture


def embedding_of(frame: Tensor, x: int, y: int, width: int, height: int) -> NDArray[np.float32]:
    """Of a box that the network's input enlarges."""
    import cv2

    crop = np.ascontiguousarray(frame[1, y : y + height, x : x + width].numpy())
    enlarged = (cv2.resize(crop, (REID_WIDTH, REID_HEIGHT)).astype(np.float32) - MEAN) / DEVIATION
    means = enlarged.reshape(16, 4, 16, 2).mean(axis=(1, 3)).ravel()
    return np.asarray(means / np.linalg.norm(means), dtype=np.float32)


@pytest.mark.parametrize(
    ("protocol", "box"), [(Protocol.LITERATURE, (16, 32, 16, 16)), (Protocol.STRICT, (64, 80, 32, 16))]
)
def test_the_box_of_the_surest_or_the_largest_person_is_embedded(
    protocol: Protocol, box: tuple[int, int, int, int]
) -> None:
    frame = frame_with(((1, 2), 255), ((4, 5), 180))
    embedding = extractor(protocol)(frame[None])
    assert embedding.shape == (1, *BODY.shape)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(embedding[0], embedding_of(frame, *box), atol=1e-5)


def test_a_frame_without_a_person_has_no_embedding_and_changes_no_other() -> None:
    shown = frame_with(((1, 2), 255))
    extract = extractor(Protocol.STRICT)
    rows = extract(torch.stack([frame_with(), shown, frame_with(((4, 5), 180))]))
    assert np.isnan(rows[0]).all()
    np.testing.assert_allclose(np.linalg.norm(rows[1:], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(extract(shown[None])[0], rows[1], atol=1e-5)


@pytest.mark.parametrize("name", BODY.weights)
def test_without_a_file_the_text_says_which_and_where_from(name: str) -> None:
    WEIGHTS[name].path.unlink()
    with pytest.raises(MissingWeightsError, match=WEIGHTS[name].file_name) as caught:
        extractor(Protocol.STRICT)
    assert WEIGHTS[name].address in str(caught.value)


@pytest.mark.parametrize("name", BODY.weights)
def test_a_file_that_is_not_the_manifests_is_refused(name: str) -> None:
    WEIGHTS[name].path.write_bytes(b"no network")
    with pytest.raises(CheckpointError, match=WEIGHTS[name].file_name) as caught:
        extractor(Protocol.STRICT)
    assert "\n" not in str(caught.value)


def test_a_network_of_another_layout_is_refused_though_its_hash_is_right() -> None:
    save_detector(WEIGHTS["cheetah-reid"].path)
    save_manifest()
    with pytest.raises(CheckpointError, match=r"reid_0265\.onnx"):
        extractor(Protocol.STRICT)


def test_a_manifest_of_another_package_is_refused() -> None:
    save_manifest(tasks={"detection": {"file": "det_10g.onnx"}})
    with pytest.raises(CheckpointError, match=r"cheetah_l\.json.*person_detection"):
        extractor(Protocol.STRICT)


def test_a_manifest_that_is_nested_without_end_is_refused() -> None:
    WEIGHTS["cheetah-manifest"].path.write_text("[" * 100_000)
    with pytest.raises(CheckpointError, match=r"cheetah_l\.json.*person_detection"):
        extractor(Protocol.STRICT)
