"""`lia-bench preprocess folder` on a person's own videos: what is kept, what is said, and what is left behind."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from lia_bench.cli.main import run
from lia_bench.core.dataset_description import read_description
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing import options
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection
from lia_bench.preprocessing.ledger import alone_in
from lia_bench.preprocessing.tracking import unannotated
from tests.core.videos import encode
from tests.preprocessing.recipes import rows_of
from tests.preprocessing.serial_engine import SerialEngine

HEIGHT = 64
OUT = Path("data/folder-32")


class SteadyFace:
    """A detector that sees one face, at the same place of every frame of 64 lines."""

    def __init__(self, face: Box) -> None:
        self.face = face

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        scale = frames[0].shape[0] / HEIGHT
        return [[Detection(Box(*(side * scale for side in self.face)), 0.9)] for _ in frames]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(options, "make_engine", lambda *_: SerialEngine())
    Path("own").mkdir()


def _run(*words: str) -> int:
    return run(["preprocess", "folder", "--footage", "own", "--size", "32", *words], debug=False)


def _videos(monkeypatch: pytest.MonkeyPatch, face: Box, count: int = 1, width: int = 96) -> None:
    """Videos of 64 frames in which a face is seen."""
    for number in range(count):
        encode(Path(f"own/{number}.mp4"), count=64, width=width, height=HEIGHT)
    monkeypatch.setattr(unannotated, "build_detector", lambda *_: SteadyFace(face))


def test_a_square_that_leaves_the_frame_is_moved_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _videos(monkeypatch, Box(0, 20, 30, 50))
    assert _run() == 0
    assert [(row["status"], row["bbox"]) for row in rows_of(OUT)] == [("ok", "0-17-36-53")]
    assert read_description(OUT).subject == "face"


def test_one_larger_than_the_frame_shrinks_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _videos(monkeypatch, Box(20, 2, 80, 62))
    assert _run() == 0
    assert [(row["status"], row["bbox"]) for row in rows_of(OUT)] == [("ok", "18-0-82-64")]
    # The frame is wide: it is no crop.
    assert "--whole-frames" not in capsys.readouterr().err


def test_videos_that_are_crops_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _videos(monkeypatch, Box(2, 2, 62, 62), width=HEIGHT)
    assert _run() == 0
    assert "note: every square fills its frame: for videos that are crops already" in capsys.readouterr().err
    assert _run("--whole-frames", "--output", "whole") == 0
    assert "note: every square" not in capsys.readouterr().err


def test_strict_drops_it_and_says_how_to_keep_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _videos(monkeypatch, Box(0, 20, 30, 50), count=2)
    assert _run("--strict") == 1
    *_, dropped, error = capsys.readouterr().err.splitlines()
    assert dropped.startswith("dropped: 2 of 2 rows, beyond_border: the crop -")
    assert dropped.endswith("; without --strict they are kept")
    assert error == f"error: {OUT}: no clip came of 2 rows, for the reasons above; nothing was kept"
    assert not Path("data").exists()


def test_faces_need_half_the_size_of_the_clips(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _videos(monkeypatch, Box(30, 20, 48, 38))
    assert _run("--size", "64") == 1
    assert "needs 32; a smaller --min-size keeps them" in capsys.readouterr().err
    assert _run("--size", "64", "--min-size", "16") == 0
    assert _run("--size", "32") == 0


def test_both_partitions_have_a_clip(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _videos(monkeypatch, Box(30, 20, 60, 50), count=3)
    assert _run() == 0
    assert sorted(row["partition"] for row in rows_of(OUT)) == ["test", "train", "train"]
    assert "warning" not in capsys.readouterr().err
    assert _run("--test-share", "1", "--output", "all") == 0
    assert "warning: no clip is for training: give another --test-share" in capsys.readouterr().err


def test_a_video_without_a_face_does_not_empty_the_test_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    _videos(monkeypatch, Box(30, 20, 60, 50), count=3)
    assert _run() == 0
    (tested,) = (row["video_id"] for row in rows_of(OUT) if row["partition"] == "test")
    Path(f"own/{tested}.mp4").write_text("no video")
    assert _run() == 1
    assert sorted((row["partition"], row["status"]) for row in rows_of(OUT)) == [
        ("test", "failed"),
        ("test", "ok"),
        ("train", "ok"),
    ]
    assert _run("--shard", "1/1", "--output", "shard") == 1
    assert sorted(row["partition"] for row in rows_of(Path("shard"))) == ["test", "train", "train"]


def test_what_fails_leaves_no_folder(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path / "no_weights"))
    encode(Path("own/a.mp4"), count=64)
    assert _run("--output", "new/one/out") == 1
    assert "lia-bench weights" in capsys.readouterr().err  # the detector's are not here
    Path("own/a.mp4").write_text("no video")
    assert _run("--whole-frames", "--output", "new/one/out") == 1
    assert "failed: a, 1 row: unreadable_video" in capsys.readouterr().err
    assert not Path("new").exists()


def test_what_was_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    _videos(monkeypatch, Box(30, 20, 60, 50))
    assert _run() == 0
    Path("own/0.mp4").write_text("no video")
    assert _run() == 1
    assert [row["status"] for row in rows_of(OUT)] == ["failed"]
    assert (OUT / "contact-sheet.jpg").is_file()


@pytest.mark.parametrize(("noted", "stays"), [("", False), ("what was found\n", True)])
def test_an_interrupted_run_keeps_its_notes(noted: str, stays: bool, tmp_path: Path) -> None:
    output = tmp_path / "new" / "out"

    def interrupted() -> None:
        with alone_in(output):
            (output / ".finished").mkdir()
            (output / ".finished" / "searched.jsonl").write_text(noted)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert output.exists() == output.parent.exists() == stays
