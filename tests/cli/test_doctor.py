"""`lia-bench doctor`, and commands on machines where packages that they do not need are broken."""

import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lia_bench.cli.main import run
from lia_bench.core import installation
from lia_bench.core.installation import EXTRAS, Package, import_troubles
from lia_bench.core.video import write_video
from lia_bench.models.card import published_checkpoints, published_place
from lia_bench.models.specification import MODELS
from tests.core.videos import moving_picture
from tests.leaderboards.toys import write_dataset
from tests.models.training.toy.world import write_plug_in, write_stripes


def test_what_cannot_be_imported_is_told_from_what_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs_broken.py").write_text("print('hello')\nraise RuntimeError('no\\nsuch symbol')\n")
    (tmp_path / "theirs_deadly.py").write_text("import os\nos._exit(7)\n")
    (tmp_path / "theirs_sound.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert list(import_troubles(["theirs_broken", "theirs_deadly", "theirs_sound", "theirs_absent"])) == [
        ("theirs_broken", "cannot be imported: RuntimeError: no such symbol"),
        ("theirs_deadly", "importing it ends the process (exit code 7)"),
        ("theirs_sound", ""),
        ("theirs_absent", "cannot be imported: ModuleNotFoundError: No module named 'theirs_absent'"),
    ]


def test_every_extra_for_users_is_explained() -> None:
    named = metadata.metadata("lia-bench").get_all("Provides-Extra")
    assert named is not None
    assert {*EXTRAS, "dev", "docs"} == set(named)


def test_doctor_names_what_is_wrong_and_what_it_would_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "face_landmarker.task").write_bytes(b"")
    checkpoint = published_place("lia", "vox-256")
    assert checkpoint is not None
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"")
    found = [
        Package("av", "", "18.1.0", ""),
        Package("click", "", "8.0", ">=8.1 is asked for"),
        Package("ray", "ray", None, "not installed"),
    ]
    monkeypatch.setattr(installation, "packages", lambda: found)
    assert run(["doctor"], False) == 1
    captured = capsys.readouterr()
    assert "ok av 18.1.0" in captured.out
    assert "-- click 8.0: >=8.1 is asked for" in captured.out
    assert "-- extra 'ray': ray not installed; gives preprocessing on a cluster" in captured.out
    assert "ok face-landmarker: for extractor mediapipe-face" in captured.out
    assert "-- vgg19: for perceptual loss" in captured.out
    assert "ok lia:vox-256\n" in captured.out
    assert f"ok 1 of {len(published_checkpoints())} published checkpoints" in captured.out
    assert captured.err == "error: click: install anew what the lines above name\n"


def test_a_broken_package_is_one_line_that_names_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "rich.table", None)
    assert run(["metrics", "list"], False) == 1
    error = capsys.readouterr().err
    assert "rich.table" in error
    assert error.endswith("lia-bench doctor names what is broken\n")


# torchmetrics imports matplotlib wherever it is installed, so that scores need a sound one.
OPTIONAL = (
    "decord",
    "face_alignment",
    "flask",
    "gdown",
    "gradio",
    "huggingface_hub",
    "insightface",
    "lpips",
    "mediapipe",
    "onnx",
    "onnxruntime",
    "pytorch_fid",
    "ray",
    "skimage",
    "tensorboard",
    "tfrecord",
    "tifffile",
    "torchdiffeq",
    "waitress",
    "yt_dlp",
)


def test_doctor_names_every_broken_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {"mediapipe", "face-alignment", "insightface", "lpips", "pytorch-fid", "torch", "gradio", "gdown", "ray"}
    for name in broken:
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(f"raise RuntimeError('{name} is broken')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # Sound ones would be imported, which takes seconds each.
    asked = [line for line in metadata.requires("lia-bench") or () if Requirement(line).name in {*broken, "click"}]
    monkeypatch.setattr(metadata, "requires", lambda name: asked)
    assert run(["doctor"], False) == 1
    captured = capsys.readouterr()
    for name in broken:
        assert f"cannot be imported: RuntimeError: {name} is broken" in captured.out, name
    assert "ok click" in captured.out
    assert "-- extra 'studio': gradio cannot be imported" in captured.out
    # What is optional is no error.
    assert "gradio" not in captured.err
    assert "mediapipe" in captured.err


def test_broken_packages_stop_only_what_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_plug_in(tmp_path / "plug-in")
    write_stripes(tmp_path / "data" / "stripes")
    write_dataset(tmp_path / "toys")
    write_video(tmp_path / "films" / "film.mp4", moving_picture(4, 64, 64), 25)
    monkeypatch.syspath_prepend(str(tmp_path / "plug-in"))
    monkeypatch.setattr(MODELS, "_items", None)
    monkeypatch.chdir(tmp_path)
    for name in (*OPTIONAL, "torch.utils.tensorboard"):
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, module)
        if name in OPTIONAL:
            monkeypatch.setitem(sys.modules, name, None)
    for line in (
        "train toy --accelerator cpu --set schedule.iterations=1",
        "evaluate --models identity --dataset toys --limit 1 --metrics l1,ssim --device cpu --no-videos",
        "score --generated films --reference films --metrics l1",
        "leaderboard",
        "models list",
        "metrics list",
        "weights list",
    ):
        assert run(line.split(), False) == 0, capsys.readouterr().err
    assert "no TensorBoard log is written: ModuleNotFoundError" in capsys.readouterr().err
