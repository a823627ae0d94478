"""`lia-bench models list` and `show` as they are typed."""

from pathlib import Path

import pytest

from lia_bench.cli.main import run
from lia_bench.models.specification import MODELS
from tests.leaderboards.toys import specification


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["models", *words], debug=False) == 0
    return capsys.readouterr().out


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["models", *words], debug=False) == 1
    return capsys.readouterr().err


def test_show_says_what_there_is_to_know(capsys: pytest.CaptureFixture[str]) -> None:
    shown = answer(capsys, "show", "mraa:vox-256")
    assert "Motion Representations for Articulated Animation, CVPR 2021" in shown
    assert "https://github.com/snap-research/articulated-animation" in shown
    assert "grants no right" in shown
    assert "absolute, relative, avd" in shown
    assert "lia-bench train mraa" in shown
    assert "68,295,177" in shown
    assert "44.4 G" in shown
    assert "taichi256.pth" in shown
    assert "https://drive.google.com/drive/folders/1jCeFPqfU_wKNYwof0ONICwsj3xHlr_tb" in shown
    assert "LIA, ICLR 2022, table 1" in shown
    assert "l1 0.043" in shown


def test_show_measures_every_variant_unless_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    shown = answer(capsys, "show", "fomm")
    assert all(variant in shown for variant in MODELS["fomm"].variant_names())
    assert "59,790,759" in shown
    assert "59,728,983" in shown
    assert "59,728,983" not in answer(capsys, "show", "fomm:vox-256")


def test_show_of_a_model_that_learns_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = answer(capsys, "show", "identity")
    assert "nothing to train" in shown
    assert "Published" not in shown


def test_show_of_a_plug_in_without_a_card(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODELS, "_items", {"toy": specification("toy")})
    shown = answer(capsys, "show", "toy")
    assert "a toy" in shown
    assert "Paper" not in shown
    assert "absolute, relative" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fom", "did you mean 'fomm'?"),
        ("fomm:vox-25", "did you mean 'vox-256'?"),
        ("fomm@runs/fomm/last", "leave out '@runs/fomm/last'"),
    ],
)
def test_show_of_what_there_is_not(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in failure(capsys, "show", words)


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert "lia-bench models show fomm" in answer(capsys, "show", "--help")


def test_list_names_every_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    listed = answer(capsys, "list")
    assert all(name in listed for name in MODELS)
