"""`lia-bench animate`."""

from pathlib import Path

import pytest
from PIL import Image

from lia_bench.cli.main import run
from tests.animation.toys import grey_frames, register, write_film


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with me.png and talk.mp4."""
    register(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64), "grey").save("me.png")
    write_film(Path("talk.mp4"), grey_frames([50, 60, 70]))
    return tmp_path


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["animate", "--help"], debug=False) == 0
    assert "lia-bench animate lia --source selfie.jpg --driving me.mp4" in capsys.readouterr().out


@pytest.mark.parametrize(("output", "frames"), [("made/new.mp4", 3), ("new.GIF", 3)])
def test_it_writes_what_the_suffix_says(
    output: str, frames: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"animate shift --source me.png --driving talk.mp4 --no-crop --device cpu --output {output}"
    assert run(words.split(), debug=False) == 0
    assert capsys.readouterr().out == f"{output}: {frames} frames\n"
    assert (folder / output).read_bytes()[:3] == (b"GIF" if output.endswith("GIF") else b"\0\0\0")


def test_a_name_of_two_lines_is_shown_in_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "talk.mp4").rename(folder / "talk\n1 results were there already.mp4")
    driving = "talk\n1 results were there already.mp4"
    words = ["animate", "shift", "--source", "me.png", "--driving", driving, "--no-crop", "--device", "cpu"]
    assert run(words, debug=False) == 0
    assert capsys.readouterr().out == "me-talk\\n1 results were there already-shift.mp4: 3 frames\n"


def test_without_the_detector_s_weights_it_says_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(folder / "home"))
    assert run(["animate", "shift", "--source", "me.png", "--driving", "talk.mp4"], debug=False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "lia-bench weights fetch blazeface" in line
    assert "--no-crop" in line


@pytest.mark.parametrize("output", ["there", "made"])
def test_a_folder_takes_one_result_as_well(output: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "there").mkdir()
    words = f"animate shift --source me.png --driving talk.mp4 --no-crop --device cpu --output {output} --format gif"
    assert run(words.split(), debug=False) == 0
    assert capsys.readouterr().out == f"{output}/me-talk-shift.gif: 3 frames\n"
    assert (folder / output / "me-talk-shift.gif").read_bytes()[:3] == b"GIF"


def test_models_and_model_are_one_or_the_other(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = "--source me.png --driving talk.mp4 --no-crop"
    assert run(f"animate {inputs}".split(), debug=False) == 2
    assert run(f"animate shift --models shift-large {inputs}".split(), debug=False) == 2
    assert "MODEL" in capsys.readouterr().err
    assert run(f"animate --models shift,shift-large {inputs}".split(), debug=False) == 0
    assert capsys.readouterr().out == "me-talk-shift-shift-large.mp4: 3 frames\n"


def test_a_bad_file_of_a_folder_is_listed_and_makes_it_fail_in_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = folder / "faces"
    faces.mkdir()
    Image.new("RGB", (64, 64), "grey").save(faces / "good.png")
    (faces / "bad.png").write_bytes(b"no picture")
    words = "animate shift --source faces --driving talk.mp4 --no-crop --output out"
    assert run(words.split(), debug=False) == 1
    shown = capsys.readouterr()
    assert shown.out == "out/good-talk-shift.mp4: 3 frames\n"
    assert shown.err.splitlines()[-1].startswith("error: 1 of 2 results could not be made: faces/bad.png: not an image")
    (faces / "bad.png").unlink()
    assert run(words.split(), debug=False) == 0
    assert capsys.readouterr().out == "1 result was there already\n"


def test_out_of_memory_is_one_line_with_the_batch_size_to_try(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "animate shift-thirsty --source me.png --driving talk.mp4 --no-crop --batch-size 3"
    assert run(words.split(), debug=False) == 1
    assert "try --batch-size 1" in capsys.readouterr().err.splitlines()[-1]
