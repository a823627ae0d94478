"""What recipes find in a folder of footage, under which names, and how it is divided."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.preprocessing.layouts import Layout, find_units
from lia_bench.preprocessing.options import DetectorChoice
from lia_bench.preprocessing.plan import videos_in
from lia_bench.preprocessing.recipes import nemo, taichi, vox
from lia_bench.preprocessing.search import SearchPlan
from tests.core.videos import encode
from tests.preprocessing.recipes import clips_of, prepare, rows_of


def test_units_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.mp4", "sub/a.mov", "sub/a.mkv", ".hidden.mp4", ".git/x.mp4", "notes.txt", f"{'x' * 120}.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    layout = find_units(tmp_path, {".mp4", ".mov", ".mkv"})
    assert [unit.name for unit in layout.units] == ["b", "sub--a"]
    assert sorted(outcome.reason.split(":")[0] for outcome in layout.decided) == ["bad_name", "same_name"]
    assert "same_name: 'sub/a.mkv' and 'sub/a.mov' make clips of one name; rename one" in _reasons(layout)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no footage under this folder \(\.mp4\)"):
        find_units(tmp_path / "empty", {".mp4"})


def _reasons(layout: Layout) -> list[str]:
    return [outcome.reason for outcome in layout.decided]


def test_folders_whose_names_run_together(tmp_path: Path) -> None:
    for name in ("a--b/c.mp4", "a/b--c.mp4"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    layout = find_units(tmp_path, {".mp4"})
    assert [unit.name for unit in layout.units] == ["a--b--c"]
    assert _reasons(layout) == ["same_name: 'a/b--c.mp4' and 'a--b/c.mp4' make clips of one name; rename one"]


def test_of_two_containers_every_recipe_takes_the_mp4(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.mp4", "a b.mkv", "c.MP4", "c.avi"):
        (tmp_path / name).touch()
    chosen = {"a.mp4", "a b.mkv", "c.MP4"}
    layout = find_units(tmp_path, VIDEO_SUFFIXES)
    assert {unit.video.name for unit in layout.units if unit.video} == chosen
    assert {path.name for path in videos_in(tmp_path).values()} == chosen
    assert _reasons(layout)[0] == "same_name: 'a.mp4' and 'a.mkv' make clips of one name; rename one"


def test_names_that_no_terminal_can_show(tmp_path: Path) -> None:
    footage = tmp_path / "videos"
    footage.mkdir()
    encode(footage / "a.mp4", count=3)
    for name in (b"caf\xe9.mp4", b"two\nlines.mp4"):
        (footage / os.fsdecode(name)).touch()
    done = prepare("folder", footage, tmp_path / "out", "--whole-frames", "--format", "png")
    assert done.exit_code == 1
    assert isinstance(done.exception, InputError), done.exception
    reasons = [row["reason"] for row in rows_of(tmp_path / "out") if row["status"] == "failed"]
    assert [reason.split("': ")[0] for reason in reasons] == [
        r"bad_name: 'caf\udce9.mp4",
        r"bad_name: 'two\nlines.mp4",
    ]


def test_footage_in_a_folder_that_no_terminal_can_show(tmp_path: Path) -> None:
    footage = tmp_path / os.fsdecode(b"caf\xe9")
    footage.mkdir()
    encode(footage / "a.mp4", count=3)
    done = prepare("folder", footage, tmp_path / "out", "--whole-frames", "--format", "png")
    assert done.exit_code == 0, done.exception
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["arguments"]["footage"] == str(footage)


def test_names_of_videos_and_persons_on_every_route(tmp_path: Path) -> None:
    long = "x" * 120
    for name in ("a.mp4", f"{long}.mp4"):
        (tmp_path / name).touch()
    detector = DetectorChoice("s3fd", "cpu")
    assert _reasons_and_names(taichi.plan_search(tmp_path, None, detector)) == (["a"], ["bad_name"])
    for person, video, utterance in (("p", "a", "1"), (long, "a", "1"), ("p", ".a", "1"), ("p", "a", long)):
        file = tmp_path / "txt" / person / video / f"{utterance}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    search = vox.plan_search(tmp_path, tmp_path / "txt", detector, 256)
    assert _reasons_and_names(search) == (["p#a#1"], ["bad_name"] * 3)
    (tmp_path / "smiles").mkdir()
    (tmp_path / "smiles" / "_smile.mp4").touch()
    layout = find_units(tmp_path / "smiles", {".mp4"}, person_of=nemo.person_of)
    assert (layout.units, len(layout.decided)) == ((), 1)


def _reasons_and_names(search: SearchPlan) -> tuple[list[str], list[str]]:
    reasons = [outcome.reason.split(":")[0] for outcome in search.decided]
    return [unit.name for unit in search.units], reasons


def test_clips_beside_the_footage_are_no_footage(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "videos").mkdir(parents=True)
    encode(data / "videos" / "a.mp4", count=3)
    for _ in range(2):
        done = prepare("folder", data, data / "folder-64", "--whole-frames")
        assert done.exit_code == 0, done.output
        assert list(clips_of(data / "folder-64")) == ["videos--a"]
    for name in ("clips.csv", "dataset.json"):  # as a kill leaves it
        (data / "folder-64" / name).unlink()
    assert [unit.name for unit in find_units(data, {".mp4", ".jpg"}).units] == ["videos--a"]
    assert [unit.name for unit in find_units(data / "folder-64", {".mp4"}).units] == ["train--videos--a"]


def test_clips_are_not_written_over_their_footage(tmp_path: Path) -> None:
    for partition in ("train", "test"):
        (tmp_path / "fashion" / partition).mkdir(parents=True)
        encode(tmp_path / "fashion" / partition / "a.mp4", count=3)
    before = (tmp_path / "fashion" / "train" / "a.mp4").read_bytes()
    done = prepare("fashion", tmp_path / "fashion", tmp_path / "fashion")
    assert "the clips would lie among their footage; name another --output" in str(done.exception)
    assert (tmp_path / "fashion" / "train" / "a.mp4").read_bytes() == before


def _divided(footage: Path, output: Path, *listed: str) -> tuple[Result, dict[str, str]]:
    (footage / "test.txt").write_text("\n".join(listed))
    words = ("--whole-frames", "--format", "png", "--test-list", str(footage / "test.txt"))
    done = prepare("folder", footage, output, *words)
    return done, {name: partition for name, (partition, _) in clips_of(output).items()} if done.exit_code == 0 else {}


def test_a_list_names_videos_as_people_do(tmp_path: Path) -> None:
    for name in ("sub/a", "b", "c", "other/d", "e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        encode(tmp_path / f"{name}.mp4", count=2)
    done, partitions = _divided(tmp_path, tmp_path / "out", "a", "b.mp4", "other/d.mp4", "nosuch", "nor-this.mp4")
    assert done.exit_code == 0, done.output
    assert partitions == {"sub--a": "test", "b": "test", "c": "train", "other--d": "test", "e": "train"}
    assert "2 of its 5 names are no footage here: nor-this.mp4, nosuch" in done.stderr
    done, _ = _divided(tmp_path, tmp_path / "none", "nosuch")
    assert "test.txt: none of its 1 names is footage here: nosuch" in str(done.exception)
    with pytest.raises(InputError, match=r"test\.txt: none of its 1 names is footage here"):
        taichi.plan_search(tmp_path, tmp_path / "test.txt", DetectorChoice("s3fd", "cpu"))


def test_a_folder_that_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("open", "closed"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.mp4").touch()
    scandir = os.scandir

    def guarded(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    layout = find_units(tmp_path, {".mp4"})
    assert [unit.name for unit in layout.units] == ["open--a"]
    assert [outcome.reason for outcome in layout.decided] == [
        "unreadable_folder: closed: Permission denied; mend its permissions"
    ]
