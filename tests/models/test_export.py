"""Exported models: the graphs' frames are the model's, in a process without torch, too."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import lia_bench
from lia_bench.cli.main import run
from lia_bench.core.errors import CheckpointError, InputError, LiaBenchError
from lia_bench.core.video import write_png_folder
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import ZooEntry
from lia_bench.models.export.exported_model import RUNTIMES, read_export_card
from lia_bench.models.export.graphs import export_onnx
from lia_bench.models.lineup import load_lineup
from lia_bench.models.reference import ModelReference, NamedModel
from tests.models.small_models import noise_frames

MODELS = ("lia", "fomm")
NEAR = 1e-3

WITHOUT_TORCH = """
import sys
import numpy as np
import lia_bench
frames, folder, result = np.load(sys.argv[1]), sys.argv[2], sys.argv[3]
model = lia_bench.open_exported(folder)
np.save(result, np.stack(list(model.animate(frames[0], frames[1:]))))
assert "torch" not in sys.modules, sorted(name for name in sys.modules if "torch" in name)
"""


def saved(name: str, folder: Path) -> Path:
    """An untrained demo-64 as a checkpoint folder."""
    torch.manual_seed(0)
    lia_bench.load_model(name, "untrained", variant="demo-64", device="cpu").save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints, and of what `models export` made of them."""
    folder = tmp_path_factory.mktemp("exports")
    for name in MODELS:
        checkpoint = saved(name, folder / f"{name}-weights")
        assert run(["models", "export", f"{name}@{checkpoint}", str(folder / name)], debug=False) == 0
    return folder


@pytest.fixture(scope="module")
def clip() -> NDArray[np.uint8]:
    """Frames uint8 (T, 64, 64, 3): softened noise that changes slowly."""
    coarse = torch.nn.functional.interpolate(noise_frames(2)[:, :, ::8, ::8], size=(64, 64), mode="bicubic").clamp(0, 1)
    shares = torch.linspace(0, 1, 5)[:, None, None, None]
    frames = (coarse[:1] * (1 - shares) + coarse[1:] * shares).mul(255).round().byte()
    return frames.permute(0, 2, 3, 1).contiguous().numpy()


def torch_frames(exports: Path, name: str, clip: NDArray[np.uint8]) -> Tensor:
    model = lia_bench.load_model(name, exports / f"{name}-weights", device="cpu")
    return model.animate(clip[0], clip[1:], "relative")


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_an_exported_model_animates_as_the_model_does_without_torch(
    name: str, exports: Path, clip: NDArray[np.uint8], tmp_path: Path
) -> None:
    np.save(tmp_path / "clip.npy", clip)
    words = [str(tmp_path / "clip.npy"), str(exports / name), str(tmp_path / "result.npy")]
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *words], check=True, timeout=300)
    expected = torch_frames(exports, name, clip).permute(0, 2, 3, 1).mul(255).numpy()
    # Half a step of a byte is the rounding's.
    assert np.abs(np.load(tmp_path / "result.npy") - expected).max() < 0.5 + NEAR * 255


@pytest.mark.slow
def test_an_export_stands_in_a_models_place(
    exports: Path, clip: NDArray[np.uint8], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = NamedModel(ModelReference.parse(f"lia@{exports / 'lia'}"), "lia")
    (loaded,) = load_lineup([named], tmp_path, "cpu", lambda line: None).models
    model, near = loaded.animator, torch_frames(exports, "lia", clip)
    assert (model.animate(clip[0], clip[1:], "relative", batch_size=3) - near).abs().max() < NEAR
    with pytest.raises(InputError, match="'absolute'"):
        model.animate(clip[0], clip[1:], "absolute")
    with pytest.raises(CheckpointError, match=r"open it with lia_bench\.open_exported"):
        lia_bench.load_model("lia", exports / "lia")

    write_png_folder(tmp_path / "driving", iter(clip))
    source = tmp_path / "driving" / sorted(path.name for path in (tmp_path / "driving").iterdir())[0]
    words = ["animate", f"lia@{exports / 'lia'}", "--source", str(source), "--driving", str(tmp_path / "driving")]
    result = ["--no-crop", "--output", str(tmp_path / "result.mp4"), "--runtime", "onnx"]
    assert run([*words, *result], debug=False) == 0
    assert "5 frames" in capsys.readouterr().out


@pytest.mark.slow
def test_the_card_says_how_near_the_graphs_come(exports: Path) -> None:
    for name in MODELS:
        card = read_export_card(exports / name)
        assert (card.model, card.variant, card.transfer, card.frame_side) == (name, "demo-64", "relative", 64)
        assert 0 < card.parity.largest_difference < NEAR
        assert card.parity.frames == 3


@pytest.mark.slow
def test_what_is_no_export_of_this_model_is_one_line(
    exports: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusal(*words: str) -> str:
        assert run(list(words), debug=False) == 1
        return capsys.readouterr().err

    (tmp_path / "p.png").write_bytes(b"")
    inputs = ["--source", str(tmp_path / "p.png"), "--driving", str(tmp_path / "p.png"), "--no-crop"]
    assert f"exported of lia:demo-64, not of fomm: load it as lia@{exports / 'lia'}" in refusal(
        "animate", f"fomm@{exports / 'lia'}", *inputs
    )
    assert "write one (lia-bench models export" in refusal(
        "animate", f"lia@{exports / 'lia-weights'}", "--runtime", "onnx", *inputs
    )
    assert "there already; give --force" in refusal(
        "models", "export", f"lia@{exports / 'lia-weights'}", str(exports / "lia")
    )
    damaged = shutil.copytree(exports / "lia", tmp_path / "damaged")
    graph = damaged / "frame.onnx"
    graph.write_bytes(graph.read_bytes()[:-100])
    assert f"{graph}: missing, or not what was exported: export the model again" in refusal(
        "animate", f"lia@{damaged}", *inputs
    )


class Toy(Animator):
    """A convolution, and what a test puts behind it."""

    def __init__(self, last: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 1)
        self.last = last
        self.zoo_entry = ZooEntry("toy", "", {})

    @property
    def frame_size(self) -> int:
        return 8

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> list[Tensor]:
        return [self.convolution(source)]

    def render(self, encoded: list[Tensor], driving: Tensor) -> Tensor:
        return self.last(encoded[0] + self.convolution(driving))


def solved(image: Tensor) -> Tensor:
    result: Tensor = torch.linalg.solve(torch.eye(8) * 2, image)
    return result


def other_than_traced(image: Tensor) -> Tensor:
    return image if torch.compiler.is_compiling() else image * 0.5 + 0.25


def test_what_no_graph_can_hold_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"toy: cannot be written as ONNX .*_linalg_solve_ex.*animate it with torch"):
        export_onnx(Toy(solved), "", tmp_path / "toy")
    with pytest.raises(InputError, match="'sideways'"):
        export_onnx(Toy(solved), "", tmp_path / "toy", "sideways")
    assert list(tmp_path.iterdir()) == []


def test_graphs_whose_frames_are_not_the_models_are_not_kept(tmp_path: Path) -> None:
    with pytest.raises(LiaBenchError, match=r"toy: the graphs' frames differ .* nothing was kept"):
        export_onnx(Toy(other_than_traced), "", tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_openvino_runs_it_where_it_is_installed(exports: Path, clip: NDArray[np.uint8]) -> None:
    pytest.importorskip("openvino")
    assert set(RUNTIMES) == {"onnx", "openvino"}
    images = clip[:1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    first, second = (lia_bench.open_exported(exports / "fomm", runtime) for runtime in RUNTIMES)
    one, other = (model.render(model.encode(images, images), images) for model in (first, second))
    assert np.abs(one - other).max() < NEAR
