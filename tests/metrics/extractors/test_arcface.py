"""ArcFace embeddings: which face is taken, how it is aligned, and that nothing is fetched."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS, weights_home
from lia_bench.metrics.extractors.extractor import ExtractorSetting
from lia_bench.metrics.extractors.insightface_identity import ARCFACE, ArcFace
from lia_bench.metrics.specification import Protocol
from tests.core.published import take_any
from tests.deterministic import image
from tests.metrics.extractors.onnx_networks import save_detector, save_recogniser

HEIGHT, WIDTH = 240, 320
SURE, UNSURE_AND_LARGE = (255, 0), (200, 120)
"""Red and green of marks: the first is the surer face, the second the larger one."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weights folder with both networks; the detector sees frames of 320x240 enlarged to 640x480."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    weights_home().mkdir(parents=True)
    for name in ("scrfd", "arcface"):
        take_any(monkeypatch, name)
    save_detector(WEIGHTS["scrfd"].path, pixels_per_pixel=2)
    save_recogniser(WEIGHTS["arcface"].path)
    return weights_home()


def extractor(protocol: Protocol) -> ArcFace:
    return ArcFace(ExtractorSetting(torch.device("cpu"), protocol))


def frame_with(*marks: tuple[tuple[int, int], tuple[int, int]]) -> Tensor:
    """A dim frame, uint8 RGB (3, H, W), with marks of 12x12 pixels: column and row of the middle cell, red and green.

    A cell is 4x4 pixels of the frame.
    """
    picture = torch.from_numpy((image("dim", WIDTH, 5)[:, :HEIGHT] * 100).astype(np.uint8))
    for (column, row), colours in marks:
        x, y = 4 * column - 4, 4 * row - 4
        picture[:2, y : y + 12, x : x + 12] = torch.tensor(colours, dtype=torch.uint8)[:, None, None]
    return picture


def embedding_around(frame: Tensor, column: int, row: int) -> NDArray[np.float32]:
    """Of the 112x112 pixels around the upper left corner of a cell, where the detector says that a face in place is."""
    x, y = 4 * column - 56, 4 * row - 56
    crop = (frame[:2, y : y + 112, x : x + 112].numpy() - 127.5) / 127.5
    means = crop.reshape(2, 16, 7, 16, 7).mean(axis=(2, 4)).ravel()
    return np.asarray(means / np.linalg.norm(means), dtype=np.float32)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("protocol", "subject"), [(Protocol.LITERATURE, (25, 30)), (Protocol.STRICT, (55, 28))])
def test_the_aligned_face_of_the_surest_or_the_largest_is_embedded(
    protocol: Protocol, subject: tuple[int, int]
) -> None:
    frame = frame_with(((25, 30), SURE), ((55, 28), UNSURE_AND_LARGE))
    embedding = extractor(protocol)(frame[None])
    assert embedding.shape == (1, *ARCFACE.shape)
    assert embedding.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedding), 1, atol=1e-6)
    np.testing.assert_allclose(embedding[0], embedding_around(frame, *subject), atol=1e-4)


@pytest.mark.usefixtures("home")
def test_a_frame_without_a_face_has_no_embedding_and_changes_no_other() -> None:
    empty, shown = frame_with(), frame_with(((25, 30), SURE))
    extract = extractor(Protocol.STRICT)
    rows = extract(torch.stack([empty, shown, frame_with(((40, 25), UNSURE_AND_LARGE))]))
    assert np.isnan(rows[0]).all()
    assert np.isfinite(rows[1:]).all()
    np.testing.assert_allclose(extract(shown[None])[0], rows[1], atol=1e-5)


@pytest.mark.usefixtures("home")
def test_users_see_no_warning_of_the_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extractor(Protocol.STRICT)(frame_with(((25, 30), SURE))[None])


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["arcface", "scrfd"])
def test_without_a_file_the_text_says_which_and_where_from(name: str) -> None:
    WEIGHTS[name].path.unlink()
    with pytest.raises(MissingWeightsError, match=WEIGHTS[name].file_name) as caught:
        extractor(Protocol.STRICT)
    assert WEIGHTS[name].address in str(caught.value)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["arcface", "scrfd"])
@pytest.mark.parametrize("content", [b"", b"no network"])
def test_a_damaged_file_is_refused(name: str, content: bytes) -> None:
    WEIGHTS[name].path.write_bytes(content)
    with pytest.raises(CheckpointError, match=WEIGHTS[name].file_name) as caught:
        extractor(Protocol.STRICT)
    assert "\n" not in str(caught.value)


def test_files_of_other_networks_are_refused(home: Path) -> None:
    save_recogniser(WEIGHTS["arcface"].path, side=56)
    with pytest.raises(CheckpointError, match=r"w600k_r50\.onnx.*\[56, 56, 192\]"):
        extractor(Protocol.STRICT)
    save_recogniser(home / "det_10g.onnx")
    with pytest.raises(CheckpointError, match=r"det_10g\.onnx.*1 outputs"):
        extractor(Protocol.STRICT)
