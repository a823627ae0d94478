"""What is found wrong with a dataset that was sound once."""

import json
from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import write_png_folder, write_video
from lia_bench.preprocessing.prepared.verification import Verification, verify
from tests.core.videos import damage, moving_picture
from tests.preprocessing.prepared import SIZE, describe, good_row, small_dataset


def _problem(found: Verification) -> tuple[str, str]:
    (problem,) = found.problems
    return problem.clip, problem.reason


@pytest.mark.parametrize("clip_format", ["mp4", "png"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_sound_dataset(clip_format: str, workers: int, tmp_path: Path) -> None:
    folder = small_dataset(tmp_path / "set", clip_format)
    assert verify(folder, workers) == Verification(sha256_of_file(folder / "clips.csv"), 3, (), ())


def test_a_missing_clip(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    (folder / "test" / "q#b#0.mp4").unlink()
    assert _problem(verify(folder, 1)) == ("test/q#b#0", "missing: the file is not there")


def test_a_broken_clip_says_where_it_breaks(tmp_path: Path) -> None:
    folder = tmp_path
    whole = good_row(folder, "p#long#0", frames=60)
    describe(folder, [whole])
    path = folder / "train" / "p#long#0.mp4"
    damage(path, path, 0.5)
    clip, reason = _problem(verify(folder, 1))
    assert clip == "train/p#long#0"
    assert reason.startswith("unreadable: ")
    assert str(tmp_path) not in reason


def test_a_picture_that_cannot_be_decoded(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path, "png")
    (folder / "train" / "p#a#0" / "0000002.png").write_bytes(b"no picture")
    clip, reason = _problem(verify(folder, 1))
    assert clip == "train/p#a#0"
    assert "0000002.png" in reason


def test_other_frames_another_size_and_other_bytes(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    write_video(folder / "train" / "p#a#0.mp4", moving_picture(5, width=SIZE, height=SIZE), 25)
    write_video(folder / "train" / "p#a#100.mp4", moving_picture(6, width=SIZE, height=2 * SIZE), 25)
    write_video(folder / "test" / "q#b#0.mp4", moving_picture(4, width=SIZE, height=SIZE), 25)
    reasons = {problem.clip: problem.reason for problem in verify(folder, 2).problems}
    assert reasons["train/p#a#0"] == "changed: it has 5 frames and clips.csv says 4"
    assert reasons["train/p#a#100"] == "changed: it is 32x64 and dataset.json says 32x32"
    assert reasons["test/q#b#0"].startswith("changed: its SHA-256 is ")


def test_a_table_that_was_changed(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    text = (folder / "clips.csv").read_text()
    (folder / "clips.csv").write_text(text.replace("damaged_video", "damage"))
    clip, reason = _problem(verify(folder, 1))
    assert clip == "clips.csv"
    assert "its hash is" in reason


def test_a_clip_listed_twice(tmp_path: Path) -> None:
    row = good_row(tmp_path, "p#a#0")
    describe(tmp_path, [row, row])
    assert _problem(verify(tmp_path, 1)) == ("train/p#a#0", "listed 2 times as ok in clips.csv")


def test_files_that_no_row_names(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    write_png_folder(folder / "test" / "extra", moving_picture(2))
    (folder / "train" / "r#c#0.mp4").write_bytes(b"")
    found = verify(folder, 1)
    assert (found.problems, found.unlisted) == ((), ("train/r#c#0.mp4", "test/extra"))


def test_what_cannot_be_verified(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: no such folder"):
        verify(tmp_path / "gone", 1)
    with pytest.raises(InputError, match=r"clips\.csv: no such table of clips"):
        verify(tmp_path, 1)
    folder = small_dataset(tmp_path / "set")
    (folder / "dataset.json").write_text('{"hash": ')
    with pytest.raises(InputError, match=r"dataset\.json: not readable"):
        verify(folder, 1)
    (folder / "dataset.json").unlink()
    with pytest.raises(InputError, match=r"dataset\.json: there is no such file"):
        verify(folder, 1)
    (folder / "clips.csv").unlink()
    (folder / ".finished").mkdir()
    with pytest.raises(InputError, match=r"was interrupted; run its command again"):
        verify(folder, 1)


def test_a_table_without_hashes(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path / "data")
    (folder / "clips.csv").write_text("clip,partition,status,frames\np#a#0,train,ok,4\n")
    with pytest.raises(InputError, match=r"clips\.csv: .*the column 'sha256' is missing"):
        verify(folder, 1)


def test_a_dataset_that_names_no_size(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path)
    content = json.loads((folder / "dataset.json").read_text())
    del content["arguments"]["size"]
    (folder / "dataset.json").write_text(json.dumps(content))
    assert verify(folder, 1).problems == ()
