"""`lia-bench datasets` as a user types it."""

import csv
from pathlib import Path

import pytest

from lia_bench.cli.main import run
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.provenance import sha256_of_file
from tests.preprocessing.prepared import describe, good_row, lost_row, small_dataset


def _run(*words: str | Path) -> int:
    return run(["datasets", *map(str, words)], debug=False)


@pytest.mark.parametrize("name", ["list", "show", "verify", "merge", "pack", "common"])
def test_every_subcommand_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(name, "--help") == 0
    assert f"lia-bench datasets {name}" in capsys.readouterr().out


def test_list_shows_what_is_sound_and_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sound = small_dataset(Path("data/vox-[32]"))
    altered = small_dataset(Path("data/altered"))
    Path("data/broken").mkdir()
    for folder in (altered, Path("data/broken")):
        (folder / "dataset.json").write_text("{")
    assert _run("list") == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.startswith("data/")}
    assert rows["data/vox-[32]"] == ["2", "1", sha256_of_file(sound / "clips.csv")[:12]]
    assert rows["data/altered"][:3] == ["-", "-", "data/altered/dataset.json:"]
    assert "the folder holds no clip" in " ".join(rows["data/broken"])
    # Addresses can be copied out of a pipe.
    assert "github.com/AliaksandrSiarohin/video-preprocessing" in printed
    assert "…" not in printed


def test_verify_prints_the_hash_of_a_sound_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_dataset(tmp_path)
    assert _run("verify", folder, "--workers", "2") == 0
    shown = capsys.readouterr()
    assert shown.out == f"{folder}: 3 clips are as they were prepared, hash {sha256_of_file(folder / 'clips.csv')}\n"
    assert "verifying: 100%" in shown.err


def test_verify_names_what_is_wrong_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = small_dataset(tmp_path)
    (folder / "train" / "p#a#0.mp4").unlink()
    (folder / "test" / "q#b#0.mp4").write_bytes(b"not a video")
    (folder / "test" / "more.mp4").write_bytes(b"")
    assert _run("verify", folder) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if line and "clip/s" not in line]
    assert lines[:2] == [
        "warning: test/more.mp4: clips.csv does not list it as a clip",
        "train/p#a#0: missing: the file is not there",
    ]
    assert lines[2].startswith("test/q#b#0: unreadable: not readable as a video")
    assert lines[3].startswith(f"error: {folder}: 2 problems among 3 clips, named above")


def test_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("show", small_dataset(tmp_path)) == 0
    assert "unavailable, 1 row, missing_video: there is no d.mp4" in capsys.readouterr().out
    assert _run("show", tmp_path / "gone") == 1
    assert (
        capsys.readouterr().err
        == f"error: {tmp_path / 'gone'}: no such folder; name the folder of a prepared dataset\n"
    )


def test_merge_leaves_a_dataset_and_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards = [tmp_path / "1", tmp_path / "2"]
    for place, shard in enumerate(shards):
        own = {"shard": {"index": place + 1, "count": 2}, "positions": [[place]]}
        describe(shard, [good_row(shard, f"p#{place}#0", "test")], **own)
    output = tmp_path / "whole"
    assert _run("merge", *shards, "--output", output) == 0
    assert f"contact sheet: {output / 'contact-sheet.jpg'}" in capsys.readouterr().out
    assert (output / "contact-sheet.jpg").is_file()
    assert [clip.name for clip in open_dataset(output).clips] == ["p#0#0", "p#1#0"]
    assert _run("merge", shards[0], "--output", tmp_path / "half") == 1
    assert capsys.readouterr().err == "error: 1 of 2 shards are not among the folders given: 2\n"


def test_common(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = small_dataset(tmp_path / "mine")
    names = ("p#a#100", "q#b#0", "z#z#0")
    theirs = describe(tmp_path / "theirs", [lost_row(name, "ok", "", "test") | {"frames": 4} for name in names])
    third = tmp_path / "third.csv"
    with third.open("w", newline="") as file:
        csv.writer(file).writerows([("clip", "partition", "status"), ("q#b#0", "test", "ok")])
    assert _run("common", mine, theirs / "clips.csv", third) == 0
    shown = capsys.readouterr()
    assert shown.out == "test/q#b#0\n"
    assert shown.err.splitlines() == [
        f"       3 clips in {mine}",
        f"       3 clips in {theirs / 'clips.csv'}",
        f"       1 clips in {third}",
        "       1 clips in all of them",
    ]
    assert _run("common", mine, mine / "clips.csv", "--output", tmp_path / "list.txt") == 0
    assert (tmp_path / "list.txt").read_text() == "test/q#b#0\ntrain/p#a#0\ntrain/p#a#100\n"


def test_outputs_that_are_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = small_dataset(tmp_path / "mine")
    assert _run("common", mine, mine, "--output", tmp_path) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}: a folder; name a file with --output\n"
    describe(tmp_path / "1", [good_row(tmp_path / "1", "p#0#0")], shard={"index": 1, "count": 1}, positions=[[0]])
    (tmp_path / "file").touch()
    assert _run("merge", tmp_path / "1", "--output", tmp_path / "file") == 1
    assert capsys.readouterr().err == f"error: {tmp_path / 'file'}: not a folder; name another --output\n"


def test_common_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = small_dataset(tmp_path / "mine")
    other = describe(tmp_path / "other", [good_row(tmp_path / "other", "x#y#0")])
    assert _run("common", mine, other) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "error: the datasets have no clip in common"
    assert _run("common", mine) == 1
    assert capsys.readouterr().err == "error: give at least two datasets or clips.csv files to compare\n"
    assert _run("common", mine, tmp_path / "gone") == 1
    assert "no such folder" in capsys.readouterr().err
