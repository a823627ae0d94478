"""`lia-bench models convert` as it is typed."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lia_bench.cli.main import run
from tests.leaderboards.toys import write_dataset
from tests.models.layout_files import small_content


@pytest.fixture(autouse=True)
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of FOMM's authors, vox.pth.tar, in the working directory."""
    monkeypatch.chdir(tmp_path)
    torch.save({**small_content("fomm"), "epoch": 99}, "vox.pth.tar")


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "convert", "--help"], debug=False) == 0
    assert "lia-bench models convert fomm:vox-256@vox-cpk.pth.tar" in capsys.readouterr().out


def test_a_converted_folder_is_evaluated_and_goes_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "convert", "fomm:demo-64@vox.pth.tar", "ours"], debug=False) == 0
    printed = capsys.readouterr().out
    assert "ours: fomm:demo-64, 117 tensors" in printed
    assert "left out: epoch" in printed

    write_dataset(tmp_path / "toys", {"ann#1": 3}, size=64)
    words = "evaluate --models fomm@ours --dataset toys --task reconstruction --metrics l1 --device cpu --no-videos"
    assert run(words.split(), debug=False) == 0
    assert "fomm" in capsys.readouterr().out

    assert run(["models", "convert", "fomm@ours", "back.pth.tar", "--to", "authors"], debug=False) == 0
    assert "left out: optimisers, discriminator" in capsys.readouterr().out
    assert torch.load("back.pth.tar", weights_only=True).keys() == {"generator", "kp_detector"}


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("fomm ours", "write fomm@FILE"),
        ("fomm@nowhere.pth ours", "nowhere.pth: no checkpoint there"),
        ("fomm@vox.pth.tar ours", "fits the variant fomm:demo-64"),
        ("lia@vox.pth.tar ours", "a checkpoint of fomm:demo-64"),
        ("fomm:demo-64@vox.pth.tar ours --set loss.l1=1", "only model.KEY=VALUE"),
        ("fomm:demo-64@vox.pth.tar ours --set model.sise=64", "did you mean 'model.size'"),
        ("fomm:demo-64@vox.pth.tar vox.pth.tar --to authors", "give --force"),
    ],
)
def test_mistakes_are_one_line(words: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "convert", *words.split()], debug=False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert hint in line
    assert [path.name for path in Path().iterdir()] == ["vox.pth.tar"]


def test_training_takes_no_converted_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "convert", "fomm:demo-64@vox.pth.tar", "ours"], debug=False) == 0
    assert run(["train", "fomm@ours"], debug=False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "train takes no checkpoint" in line


def test_help_and_import_do_without_the_hub() -> None:
    program = (
        "import sys, lia_bench\n"
        "from lia_bench.cli.main import run\n"
        "assert run(['models', 'convert', '--help'], debug=False) == 0\n"
        "assert not {'huggingface_hub', 'torch'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
