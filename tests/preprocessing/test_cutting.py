"""From footage and a table to a dataset: what is cut, what is said about the rest, and starting again."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from filelock import FileLock

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.video import open_video, resize, writer
from lia_bench.core.video.reader import FrameReader
from lia_bench.preprocessing import crops
from lia_bench.preprocessing.clip_table import read_metadata
from lia_bench.preprocessing.preparing import Preparation, PreparationOptions, prepare_from_table
from lia_bench.preprocessing.report import report
from lia_bench.preprocessing.workers.engine import LocalEngine
from tests.core.videos import damage, encode
from tests.preprocessing.serial_engine import SerialEngine

HEADER = "video_id,start,end,bbox,fps,width,height,partition,person_id\n"


def _footage(folder: Path) -> Path:
    footage = folder / "footage"
    footage.mkdir()
    whole = encode(footage / "whole.mp4", count=40)
    damage(encode(footage / "twice.mp4", count=40, index_first=True), footage / "broken.mp4", 0.7)
    (footage / "text.mp4").write_text("not a video")
    whole.rename(footage / "a.mp4")
    return footage


def _prepare(folder: Path, rows: str, **changes: Any) -> Preparation:
    table = folder / "table.csv"
    table.write_text(HEADER + rows)
    footage = folder / "footage" if (folder / "footage").exists() else _footage(folder)
    choices: dict[str, Any] = {"output": folder / "out", "size": 32, "clip_format": "png", "engine": SerialEngine()}
    choices |= changes
    options = PreparationOptions(**choices, searching_engine=choices["engine"])
    return prepare_from_table(read_metadata(table), footage, options, "vox", {"metadata": table})


def _table(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_clip_is_the_box_of_the_frames_of_its_row(tmp_path: Path) -> None:
    # The box is measured in a frame of twice the size; the row counts at half the rate.
    _prepare(tmp_path, "a,3,8,20-10-100-90,12.5,192,128,train,p\n")
    (clip,) = open_dataset(tmp_path / "out").clips
    assert (clip.name, clip.partition) == ("p#a#000003#000008", "train")
    with open_video(clip.path) as made, open_video(tmp_path / "footage" / "a.mp4") as footage:
        assert len(made) == 10
        expected = resize(footage.frame(6 + 4)[5:45, 10:50], (32, 32))
        assert np.array_equal(made.frame(4), expected)


def test_mp4_keeps_the_rate_of_the_footage(tmp_path: Path) -> None:
    _prepare(tmp_path, "a,3,8,20-10-100-90,12.5,192,128,train,p\n", clip_format="mp4")
    with open_video(tmp_path / "out" / "train" / "p#a#000003#000008.mp4") as made:
        assert (len(made), made.properties.fps, made.properties.width) == (10, 25.0, 32)


def test_the_first_row_of_a_video_speaks_for_all_its_rows(tmp_path: Path) -> None:
    _prepare(tmp_path, "a,0,4,0-0-64-64,25,96,64,test,p\na,4,8,0-0-64-64,50,192,128,train,q\n")
    _, second = open_dataset(tmp_path / "out").clips
    assert (second.name, second.partition) == ("p#a#000004#000008", "test")
    with open_video(second.path) as made:
        assert len(made) == 4


def test_every_row_has_its_outcome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = "0-0-64-64,25,96,64,train,p\n"
    outside = "96-0-160-64,25,96,64,train,p\n"
    rows = (
        f"broken,0,4,{box}broken,0,38,{box}gone,0,4,{box}text,0,4,{box}a,0,4,{box}a,0,4,{box}"
        f"a,0,4,{box.replace('64-64', '60-60')}a,30,60,{box}a,50,60,{box}a,9,9,{box}a,1,4,{outside}"
        f"b,3,2,{box}a,0,3,{box.replace('0-0', '90-70')}"
    )
    preparation = _prepare(tmp_path, rows)
    table = _table(tmp_path / "out")
    assert [(row["status"], row["reason"].split(":")[0]) for row in table] == [
        ("ok", ""),
        ("failed", "damaged_video"),
        ("unavailable", "missing_video"),
        ("failed", "unreadable_video"),
        ("ok", ""),
        ("dropped", "duplicate_row"),
        ("dropped", "same_name"),
        ("ok", "beyond_end"),
        ("failed", "no_frames"),
        ("failed", "no_frames"),
        ("failed", "empty_box"),
        ("failed", "bad_row"),
        ("failed", "bad_row"),
    ]
    assert [row["frames"] for row in table if row["status"] == "ok"] == ["4", "4", "10"]
    assert not (tmp_path / "out" / "train" / "p#broken#000000#000038").exists()
    description = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert description["counts"]["rows"] == 13
    assert description["counts"]["failed"] == 7
    assert description["hash"] == hashlib.sha256((tmp_path / "out" / "clips.csv").read_bytes()).hexdigest()
    with pytest.raises(InputError, match="8 of 13 clips were not cut"):
        report(preparation)
    printed = capsys.readouterr()
    assert "clips: 3 (3 train), 18 frames" in printed.out
    for name in ("broken", "gone", "text"):
        assert name in printed.err


def test_rows_dropped_by_a_rule_are_no_failure(tmp_path: Path) -> None:
    row = "a,0,4,0-0-64-64,25,96,64,train,p\n"
    report(_prepare(tmp_path, row + row))


def test_a_box_beyond_the_frame_is_clipped(tmp_path: Path) -> None:
    _prepare(tmp_path, "a,0,2,40-20-200-200,25,96,64,train,p\n")
    with open_video(tmp_path / "out/train/p#a#000000#000002") as made, open_video(tmp_path / "footage/a.mp4") as video:
        assert np.array_equal(made.frame(0), resize(video.frame(0)[20:64, 40:96], (32, 32)))


def test_a_variable_rate_is_made_even_first(tmp_path: Path) -> None:
    _footage(tmp_path)
    times = [40 * index + (200 if index > 9 else 0) for index in range(20)]
    encode(tmp_path / "footage" / "v.mp4", times=times, count=20, options={"bf": "0"})
    (outcome,) = _prepare(tmp_path, "v,0,20,0-0-64-64,25,96,64,train,p\n").outcomes
    assert outcome.reason.startswith("variable_rate")
    with open_video(tmp_path / "out/train/p#v#000000#000020") as made:
        assert np.array_equal(made.frame(9), made.frame(14))
        assert not np.array_equal(made.frame(14), made.frame(15))


ROWS = "a,0,4,0-0-64-64,25,96,64,train,p\na,4,8,0-0-64-64,25,96,64,train,p\ntwice,4,8,0-0-64-64,25,96,64,test,q\n"


@pytest.mark.parametrize("clip_format", ["mp4", "png"])
def test_an_interrupted_run_goes_on_where_it_was(
    clip_format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _prepare(tmp_path, ROWS, output=tmp_path / "whole", clip_format=clip_format).hash
    written: list[Path] = []
    name = "write_video" if clip_format == "mp4" else "write_png_folder"
    write = getattr(crops, name)

    def interrupted(path: Path, frames: Any, *rate: float) -> int:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        return int(write(path, frames, *rate))

    monkeypatch.setattr(crops, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        _prepare(tmp_path, ROWS, clip_format=clip_format)
    with pytest.raises(InputError, match="interrupted"):
        open_dataset(tmp_path / "out")
    first = written.pop(0)
    assert _prepare(tmp_path, ROWS, clip_format=clip_format).hash == whole
    assert first not in written
    written.clear()
    assert _prepare(tmp_path, ROWS, clip_format=clip_format).hash == whole
    assert written == []


def test_a_clip_that_was_damaged_is_cut_again(tmp_path: Path) -> None:
    before = _prepare(tmp_path, ROWS, clip_format="mp4").hash
    clip = tmp_path / "out" / "train" / "p#a#000000#000004.mp4"
    whole = clip.read_bytes()
    clip.write_bytes(whole[:-10])
    assert _prepare(tmp_path, ROWS, clip_format="mp4").hash == before
    assert clip.read_bytes() == whole


def test_other_settings_are_not_taken_for_finished(tmp_path: Path) -> None:
    _prepare(tmp_path, ROWS)
    _prepare(tmp_path, ROWS, size=16)
    for clip in open_dataset(tmp_path / "out").clips:
        with open_video(clip.path) as made:
            assert made.properties.width == 16


def test_a_clip_in_another_format_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for clip_format, suffix in (("mp4", ".mp4"), ("png", ""), ("mp4", ".mp4")):
        _prepare(tmp_path, ROWS, clip_format=clip_format)
        dataset = open_dataset(tmp_path / "out")
        assert {clip.path.name for clip in dataset.clips} == {f"{clip.name}{suffix}" for clip in dataset.clips}
        assert sorted((tmp_path / "out").glob("t*/*")) == sorted(clip.path for clip in dataset.clips)


def test_another_encoder_cuts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut() -> int:
        _prepare(tmp_path, ROWS, clip_format="mp4")
        return open_dataset(tmp_path / "out").clips[0].path.stat().st_mtime_ns

    first = cut()
    assert cut() == first
    monkeypatch.setattr("av.__version__", "0.1")
    second = cut()
    assert second != first
    monkeypatch.setitem(writer.ENCODER, "preset", "ultrafast")
    assert cut() != second


def test_a_half_written_table_of_a_killed_run_is_removed(tmp_path: Path) -> None:
    _prepare(tmp_path, ROWS)
    (tmp_path / "out" / ".clips.0123abcd.partial.csv").touch()
    _prepare(tmp_path, ROWS)
    assert not list((tmp_path / "out").glob(".*.partial*"))


def test_half_written_clips_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "train"
    (folder / ".x.1234.partial").mkdir(parents=True)
    (folder / ".x.1234.partial.mp4").touch()
    _prepare(tmp_path, ROWS)
    assert not list(folder.glob(".*"))


def test_a_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device", "clip")

    monkeypatch.setattr(crops, "write_png_folder", full)
    with pytest.raises(OSError, match="No space left"):
        _prepare(tmp_path, ROWS)
    assert not (tmp_path / "out" / "clips.csv").exists()


def test_a_frame_that_breaks_while_cutting_leaves_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepare(tmp_path, "a,0,2,0-0-64-64,25,96,64,train,p\n")
    broken = "a.mp4: frame 5 of 40 can no longer be decoded"

    def frame(self: FrameReader, index: int) -> None:
        raise UnreadableVideoError(broken)

    for reader in FrameReader.__subclasses__():
        monkeypatch.setattr(reader, "frame", frame)
    outcome = _prepare(tmp_path, ROWS).outcomes[0]
    assert (outcome.status, outcome.reason) == ("failed", f"damaged_video: {broken}")
    assert not (tmp_path / "out" / "train" / "p#a#000000#000004").exists()


@pytest.mark.slow
def test_several_processes_make_the_same_dataset(tmp_path: Path) -> None:
    assert (
        _prepare(tmp_path, ROWS, engine=LocalEngine(2)).hash == _prepare(tmp_path, ROWS, output=tmp_path / "one").hash
    )


def test_unusable_footage(tmp_path: Path) -> None:
    row = "a,0,4,0-0-64-64,25,96,64,train,p\n"
    (tmp_path / "footage").mkdir()
    with pytest.raises(InputError, match=r"footage: the folder holds no video"):
        _prepare(tmp_path, row)
    (tmp_path / "footage").rmdir()
    _footage(tmp_path)
    with pytest.raises(InputError, match=r"--size 33: .*give 34, or --format png"):
        _prepare(tmp_path, row, size=33, clip_format="mp4")
    table = tmp_path / "table.csv"
    options = PreparationOptions(tmp_path / "out", 32, "png", SerialEngine(), SerialEngine())
    with pytest.raises(InputError, match=r"gone: no such footage folder; .*--footage"):
        prepare_from_table(read_metadata(table), tmp_path / "gone", options, "vox", {})
    assert not (tmp_path / "out").exists()


def test_an_output_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"file: not a folder; name another --output"):
        _prepare(tmp_path, ROWS, output=tmp_path / "file")
    with pytest.raises(InputError, match=r"file/out: the folder cannot be written \(Not a directory\); name another"):
        _prepare(tmp_path, ROWS, output=tmp_path / "file" / "out")
    touch = Path.touch

    def denied(path: Path) -> None:
        if path.name == ".lock":
            raise PermissionError(13, "Permission denied")
        touch(path)

    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(InputError, match=r"out: the folder cannot be written \(Permission denied\); name another"):
        _prepare(tmp_path, ROWS, output=tmp_path / "out")


def test_what_nobody_foresaw_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = FrameReader.check

    def surprising(self: FrameReader, index: int) -> None:
        if self.properties.path.name == "twice.mp4":
            raise RuntimeError(f"{self.properties.path}:\n strange")
        frame(self, index)

    _footage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(FrameReader, "check", surprising)
        outcomes = _prepare(tmp_path, ROWS).outcomes
    assert [outcome.status for outcome in outcomes] == ["ok", "ok", "failed"]
    assert outcomes[2].reason == "unexpected: RuntimeError: twice.mp4: strange"
    assert [outcome.status for outcome in _prepare(tmp_path, ROWS).outcomes] == ["ok"] * 3


def test_footage_that_is_a_link_to_nowhere(tmp_path: Path) -> None:
    footage = _footage(tmp_path)
    (footage / "gone.mp4").symlink_to(footage / "moved away.mp4")
    (footage / "loop.mp4").symlink_to(footage / "loop.mp4")
    box = "0-0-64-64,25,96,64,train,p\n"
    rows = f"gone,0,4,{box}loop,0,4,{box}a,0,4,{box}"
    for _ in range(2):  # the second run asks what the finished clip was made from
        gone, loop, good = _prepare(tmp_path, rows).outcomes
        assert (gone.status, gone.reason) == ("failed", "unreadable_video: gone.mp4: no such file")
        assert (loop.status, loop.reason[:27]) == ("failed", "unreadable_video: loop.mp4:")
        assert str(tmp_path) not in loop.reason
        assert good.status == "ok"
    (footage / "a.mp4").rename(footage / "moved away.mp4")
    (footage / "a.mp4").symlink_to(footage / "nowhere.mp4")
    assert [outcome.status for outcome in _prepare(tmp_path, rows).outcomes] == ["ok", "failed", "failed"]


def test_a_title_in_another_encoding(tmp_path: Path) -> None:
    footage = _footage(tmp_path)
    for suffix in ("mp4", "mkv"):
        with av.open(str(footage / f"titled.{suffix}"), "w") as container, av.open(str(footage / "a.mp4")) as source:
            container.metadata["title"] = "Cafe"
            stream = container.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
        path = footage / f"titled.{suffix}"
        content = path.read_bytes()
        assert content.count(b"Cafe") == 1
        path.rename(footage / f"{suffix}.{suffix}").write_bytes(content.replace(b"Cafe", b"Caf\xe9"))
    box = "0-0-64-64,25,96,64,train,p\n"
    outcomes = _prepare(tmp_path, f"mp4,0,4,{box}mkv,0,4,{box}").outcomes
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [("ok", "")] * 2


def test_two_runs_in_one_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(InputError, match="another run is preparing this dataset"):
        _prepare(tmp_path, ROWS)
    assert _prepare(tmp_path, ROWS).counts["ok"] == 3
