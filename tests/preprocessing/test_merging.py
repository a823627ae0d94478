"""Shards put together against the same dataset made at once."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import sha256_of_video
from lia_bench.preprocessing.prepared import shards as shards_module
from lia_bench.preprocessing.prepared.shards import merge
from lia_bench.preprocessing.prepared.verification import verify
from tests.preprocessing.prepared import describe, good_row, lost_row, small_dataset


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _shards(folder: Path, clip_format: str = "mp4", **more: Any) -> tuple[Path, list[Path]]:
    """The small dataset made at once, and in three shards, one of them without a clip."""
    whole = small_dataset(folder / "whole", clip_format)
    rows = _rows(whole)
    # Places need not be in the order of the shards, nor of one length.
    owners = [2, 1, 2, 1, 2, 3]
    positions = [[-1, 0], [0, 2], [0, 10], [1], [2, 0], [2, 0, 1]]
    made = []
    for index in (1, 2, 3):
        shard = folder / f"shard-{index}"
        mine = [place for place, owner in enumerate(owners) if owner == index]
        for place in mine:
            if rows[place]["status"] == "ok":
                name, frames = rows[place]["clip"], int(rows[place]["frames"])
                good_row(shard, name, rows[place]["partition"], frames, clip_format)
        own = {"shard": {"index": index, "count": 3}, "positions": [positions[place] for place in mine]}
        made.append(describe(shard, [rows[place] for place in mine], **own, **more))
    return whole, made


@pytest.mark.parametrize("clip_format", ["mp4", "png"])
def test_the_whole_is_what_one_run_makes(clip_format: str, tmp_path: Path) -> None:
    whole, shards = _shards(tmp_path, clip_format)
    output = tmp_path / "merged"
    digest = merge([shards[2], shards[0], shards[1]], output)
    assert (output / "clips.csv").read_bytes() == (whole / "clips.csv").read_bytes()
    assert json.loads((output / "dataset.json").read_text()) == json.loads((whole / "dataset.json").read_text())
    assert digest == open_dataset(output).hash
    found = verify(output, 1)
    assert (found.clips, found.problems, found.unlisted) == (3, (), ())
    assert verify(shards[1], 1).problems == ()


def test_clips_are_linked_where_that_works_and_copied_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, shards = _shards(tmp_path)
    clip = "test/q#b#0.mp4"
    merge(shards, tmp_path / "linked")
    assert (tmp_path / "linked" / clip).samefile(shards[1] / clip)

    def refused(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    merge(shards, tmp_path / "copied")
    assert not (tmp_path / "copied" / clip).samefile(shards[1] / clip)
    assert sha256_of_video(tmp_path / "copied" / clip) == sha256_of_video(shards[1] / clip)


@pytest.mark.parametrize("clip_format", ["mp4", "png"])
def test_killed_halfway_it_goes_on(clip_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, shards = _shards(tmp_path, clip_format)
    output = tmp_path / "merged"
    placed: list[str] = []
    place = shards_module._place

    def interrupted(shard: Any, row: Any, target: Path) -> None:
        if len(placed) == 2:
            raise KeyboardInterrupt
        placed.append(row["clip"])
        place(shard, row, target)

    monkeypatch.setattr(shards_module, "_place", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(shards, output)
    with pytest.raises(InputError, match="interrupted"):
        open_dataset(output)
    (output / "train" / ".half.0123.partial.mp4").touch()
    monkeypatch.undo()
    for _ in range(2):  # a finished one may be merged again
        merge(shards, output)
        assert (output / "clips.csv").read_bytes() == (whole / "clips.csv").read_bytes()
        assert verify(output, 1).unlisted == ()


def test_what_the_shards_noted_comes_along(tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    header, first, second = "video_id,partition,start", "a,train,0", "b,test,0"
    for shard, line in ((shards[0], ""), (shards[1], f"{second}\n{first}\n")):
        (shard / "metadata.csv").write_text(f"{header}\n{line}")
        (shard / ".finished").mkdir()
        (shard / ".finished" / "searched.jsonl").write_text(f"[{shard.name!r}]\n")
    merge(shards, tmp_path / "merged")
    assert (tmp_path / "merged" / ".finished" / "searched.jsonl").read_text() == "['shard-1']\n['shard-2']\n"
    lines = (tmp_path / "merged" / "metadata.csv").read_text().splitlines()
    assert lines[0] == header
    assert lines.index(first) < lines.index(second)


def test_versions_that_differ_are_all_named(tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    _change(shards[1], versions={"lia-bench": "0.1.0", "system": "there"})
    merge(shards, tmp_path / "merged")
    versions = json.loads((tmp_path / "merged" / "dataset.json").read_text())["versions"]
    assert versions == {"lia-bench": "0.1.0", "system": ["here", "there"]}


def test_footage_may_lie_elsewhere(tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    _change(shards[1], arguments={"size": 32, "format": "mp4", "footage": "/scratch/7"})
    merge(shards, tmp_path / "merged")


def _change(folder: Path, **content: Any) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | content))


def test_shards_that_make_no_whole(tmp_path: Path) -> None:
    whole, shards = _shards(tmp_path)
    output = tmp_path / "merged"
    with pytest.raises(InputError, match=r"2 of 3 shards are not among the folders given: 1, 3"):
        merge([shards[1]], output)
    with pytest.raises(InputError, match=r"shard-2: shard 2/3, and so is .*shard-2"):
        merge([*shards, shards[1]], output)
    with pytest.raises(InputError, match=r"whole: a whole dataset, no shard; .*--shard"):
        merge([*shards, whole], output)
    with pytest.raises(InputError, match=r"shard-1: one of the shards; name another --output"):
        merge(shards, shards[0])
    with pytest.raises(InputError, match=r"whole2: holds another dataset"):
        merge(shards, describe(tmp_path / "whole2", [lost_row("r#z#0", "failed", "no_frames: none")]))
    assert not output.exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"recipe": "taichi"}, r"made with recipe taichi, and .*shard-1 with vox; prepare all shards by the same"),
        ({"arguments": {"size": 64, "format": "mp4"}}, r"made with --size 64, and .*shard-1 with 32"),
        ({"shard": {"index": 2, "count": 4}}, r"a shard of 4, and .*shard-1 is one of 3"),
        (
            {"shard": {"index": 0, "count": 3}},
            r"dataset\.json: not readable .*\(shard\.index: .*than or equal to 1",
        ),
        ({"positions": [[9]]}, r"dataset\.json: 1 positions for 3 rows"),
        ({"positions": [[0, 2], [9, 1], [9, 2]]}, r"has a row that .*shard-1 has too"),
        ({"hash": "0"}, r"clips\.csv: not the table that dataset\.json describes"),
    ],
)
def test_a_shard_that_does_not_fit(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    _change(shards[1], **change)
    with pytest.raises(InputError, match=rf"shard-2.*{reason}") as caught:
        merge(shards, tmp_path / "merged")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "merged").exists()


def test_a_clip_in_two_shards(tmp_path: Path) -> None:
    for index in (1, 2):
        own = {"shard": {"index": index, "count": 2}, "positions": [[index]]}
        describe(tmp_path / str(index), [good_row(tmp_path / str(index), "p#a#0")], **own)
    with pytest.raises(InputError, match=r"2: the clip train/p#a#0 is in .*1 too"):
        merge([tmp_path / "1", tmp_path / "2"], tmp_path / "merged")


@pytest.mark.parametrize("name", ["../p#a", ".."])
def test_nothing_is_written_outside_the_output(name: str, tmp_path: Path) -> None:
    own = {"shard": {"index": 1, "count": 1}, "positions": [[0]]}
    row = good_row(tmp_path / "shard", "p#a#0") | {"clip": name}
    describe(tmp_path / "shard", [row], **own)
    with pytest.raises(InputError, match="cannot be a clip of a dataset"):
        merge([tmp_path / "shard"], tmp_path / "merged")


@pytest.mark.parametrize("clip_format", ["mp4", "png"])
def test_a_clip_that_is_damaged_in_its_shard(clip_format: str, tmp_path: Path) -> None:
    _, shards = _shards(tmp_path, clip_format)
    clip = shards[0] / "train" / "p#a#100"
    file = clip / "0000001.png" if clip_format == "png" else clip.with_name(f"{clip.name}.mp4")
    file.write_bytes(file.read_bytes()[:-9] + bytes(9))
    with pytest.raises(InputError, match=r"shard-1: the clip train/p#a#100 is not the one .*; run this shard again"):
        merge(shards, tmp_path / "merged")
    with pytest.raises(InputError, match="interrupted"):
        open_dataset(tmp_path / "merged")


def test_a_shard_whose_table_has_no_hashes(tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    (shards[0] / "clips.csv").write_text("clip,partition,status\np#a#100,train,ok\n")
    with pytest.raises(InputError, match=r"shard-1.clips\.csv: .*the column 'frames' is missing"):
        merge(shards, tmp_path / "merged")


def test_a_clip_that_is_gone_from_its_shard(tmp_path: Path) -> None:
    _, shards = _shards(tmp_path)
    (shards[0] / "train" / "p#a#100.mp4").unlink()
    with pytest.raises(InputError, match=r"shard-1: the clip train/p#a#100 is not there; run this shard again"):
        merge(shards, tmp_path / "merged")


@pytest.mark.parametrize("frames", ["", "x", "1e400", "9" * 5000])
def test_a_shard_whose_table_holds_no_number_of_frames(frames: str, tmp_path: Path) -> None:
    own = {"shard": {"index": 1, "count": 1}, "positions": [[0]]}
    rows = [good_row(tmp_path / "shard", "p#a#0")]
    describe(tmp_path / "shard", rows, **own)
    table = tmp_path / "shard" / "clips.csv"
    table.write_text(table.read_text().replace(",4," + rows[0]["sha256"], f",{frames}," + rows[0]["sha256"]))
    _change(tmp_path / "shard", hash=sha256_of_file(table))
    with pytest.raises(InputError, match=r"clips\.csv: train/p#a#0: '.{0,20}' is no number of frames; run this shard"):
        merge([tmp_path / "shard"], tmp_path / "merged")
