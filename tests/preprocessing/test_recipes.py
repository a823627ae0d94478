"""Recipes on footage in the layouts of the datasets' owners."""

import csv
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from filelock import FileLock
from PIL import Image

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.registry import load_attribute
from lia_bench.core.video import open_video, resize
from lia_bench.preprocessing import aist, bair, dfdc, fashion, nemo, taichi, vox
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.footage import open_quickly
from lia_bench.preprocessing.layouts import Layout, find_units
from lia_bench.preprocessing.options import DetectorChoice
from lia_bench.preprocessing.partitions import partition_by_share
from lia_bench.preprocessing.portraits import square_around
from lia_bench.preprocessing.registry import DATASETS
from lia_bench.preprocessing.searching import SearchPlan, Unit
from lia_bench.preprocessing.verification import verify
from lia_bench.preprocessing.whole_clips import search_whole
from tests.core.videos import encode, moving_picture
from tests.preprocessing.detectors import install_real


def _prepare(name: str, footage: Path, output: Path, *words: str) -> Result:
    options = ("--footage", str(footage), "--output", str(output), "--size", "64", "--workers", "1")
    return CliRunner().invoke(load_attribute(DATASETS[name].command), [*options, *words])


def _rows(output: Path) -> list[dict[str, str]]:
    with (output / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _clips(output: Path) -> dict[str, tuple[str, str]]:
    return {row["clip"]: (row["partition"], row["frames"]) for row in _rows(output) if row["status"] == "ok"}


def test_every_recipe_has_help_with_an_example() -> None:
    for specification in DATASETS.values():
        done = CliRunner().invoke(load_attribute(specification.command), ["--help"])
        assert done.exit_code == 0, specification.name
        assert f"lia-bench preprocess {specification.name}" in done.output


def test_mgif(tmp_path: Path) -> None:
    _gif(tmp_path / "moving-gif" / "train" / "cat.gif", 7)
    _gif(tmp_path / "moving-gif" / "test" / "dog.gif", 5)
    done = _prepare("mgif", tmp_path / "moving-gif", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert _clips(tmp_path / "out") == {"cat": ("train", "7"), "dog": ("test", "5")}
    with open_video(tmp_path / "out/train/cat.mp4") as made:
        assert made.properties.fps == 10


def _gif(path: Path, count: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.fromarray(frame) for frame in moving_picture(count, 80, 80)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


def test_one_name_in_train_and_test(tmp_path: Path) -> None:
    footage, output = tmp_path / "moving-gif", tmp_path / "out"
    _gif(footage / "train" / "00001.gif", 7)
    _gif(footage / "test" / "00001.gif", 5)
    for _ in range(2):  # the second one knows what the first has found
        done = _prepare("mgif", footage, output)
        assert done.exit_code == 0, done.output
        assert {(row["clip"], row["partition"], row["frames"]) for row in _rows(output)} == {
            ("00001", "train", "7"),
            ("00001", "test", "5"),
        }
    assert verify(output, 1).problems == ()


def test_fashion_by_its_list_and_by_folders(tmp_path: Path) -> None:
    footage = tmp_path / "fashion"
    footage.mkdir()
    for name in ("91aaa", "91bbb"):
        encode(footage / f"{name}.mp4", count=4)
    (footage / "fashion_test.txt").write_text("https://example.org/images/I/91bbb.mp4\n")
    assert {unit.name: unit.partition for unit in fashion.find_videos(footage).units} == {
        "91aaa": "train",
        "91bbb": "test",
    }
    (footage / "fashion_test.txt").write_text("https://example.org/images/I/91ccc.mp4\n")
    with pytest.raises(InputError, match=r"fashion_test\.txt: none of its 1 names .*91ccc"):
        fashion.find_videos(footage)
    (footage / "fashion_test.txt").unlink()
    with pytest.raises(InputError, match=r"neither train/ and test/ nor fashion_test\.txt"):
        fashion.find_videos(footage)
    for partition, name in (("train", "91aaa"), ("test", "91bbb")):
        (footage / partition).mkdir()
        (footage / f"{name}.mp4").rename(footage / partition / f"{name}.mp4")
    assert [unit.partition for unit in fashion.find_videos(footage).units] == ["train", "test"]


def _record(frames: list[np.ndarray], camera: str = "image_aux1") -> bytes:
    """A tf.train.Example of one trajectory, framed as TFRecord does (the sums, which readers skip, left empty)."""

    def field(number: int, content: bytes) -> bytes:
        size, head = len(content), bytes([number << 3 | 2])
        while size > 127:
            head += bytes([size & 127 | 128])
            size >>= 7
        return head + bytes([size]) + content

    entries = b""
    for index, frame in enumerate(frames):
        feature = field(1, field(1, frame.tobytes()))
        entries += field(1, field(1, f"{index}/{camera}/encoded".encode()) + field(2, feature))
    example = field(1, entries)
    return struct.pack("<Q", len(example)) + bytes(4) + example + bytes(4)


def test_bair(tmp_path: Path) -> None:
    pytest.importorskip("tfrecord")
    footage = tmp_path / "softmotion30_44k"
    trajectories = [list(moving_picture(30, 64 + shift, 64)) for shift in (0, 0)]
    frames = [[np.ascontiguousarray(frame[:, :64]) for frame in trajectory] for trajectory in trajectories]
    for partition in ("train", "test"):
        (footage / partition).mkdir(parents=True)
    records = [_record(frames[0]), _record(frames[1])]
    (footage / "train" / "traj_0_to_1.tfrecords").write_bytes(b"".join(records))
    (footage / "test" / "traj_2_to_3.tfrecords").write_bytes(records[0] + records[1][:-2000])
    done = _prepare("bair", footage, tmp_path / "out", "--format", "png")
    assert done.exit_code == 1
    assert "unreadable_records: traj_2_to_3.tfrecords: the records end or break" in done.output + str(
        _rows(tmp_path / "out")
    )
    assert _clips(tmp_path / "out") == {
        "traj_0_to_1--000": ("train", "30"),
        "traj_0_to_1--001": ("train", "30"),
        "traj_2_to_3--000": ("test", "30"),
    }
    with open_video(tmp_path / "out/train/traj_0_to_1--000") as made:
        assert np.array_equal(made.frame(7), frames[0][7])
    (footage / "test" / "traj_2_to_3.tfrecords").write_bytes(_record(frames[0], camera="other"))
    with pytest.raises(InputError, match=r"no trajectory of BAIR|end or break"):
        list(bair._unpack_file(footage / "test" / "traj_2_to_3.tfrecords", tmp_path / "elsewhere"))


def test_bair_unpacks_alone_and_clears_what_a_kill_left(tmp_path: Path) -> None:
    pytest.importorskip("tfrecord")
    footage, output = tmp_path / "softmotion30_44k", tmp_path / "out"
    (footage / "train").mkdir(parents=True)
    pictures = [np.ascontiguousarray(frame[:, :64]) for frame in moving_picture(30, 64, 64)]
    (footage / "train" / "traj_0_to_1.tfrecords").write_bytes(_record(pictures))
    unpacked = output / "footage" / "train"
    (unpacked / ".traj_0_to_1--000.0123abcd.partial").mkdir(parents=True)
    with FileLock(output / ".lock"):
        assert "another run is preparing this dataset" in str(_prepare("bair", footage, output).exception)
    assert len(list(unpacked.iterdir())) == 1
    assert _prepare("bair", footage, output).exit_code == 0
    assert [path.name for path in unpacked.iterdir()] == ["traj_0_to_1--000"]


def test_dfdc_takes_what_is_real(tmp_path: Path) -> None:
    part = tmp_path / "dfdc_train_part_3"
    part.mkdir()
    encode(part / "aaa.mp4", count=4)
    labels = {"aaa.mp4": "REAL", "bbb.mp4": "FAKE", "ccc.mp4": "REAL"}
    listing = {name: {"label": label, "split": "train"} for name, label in labels.items()}
    (part / "metadata.json").write_text(json.dumps(listing))
    units = dfdc.find_real(tmp_path).units
    assert [(unit.name, unit.video) for unit in units] == [("aaa", part / "aaa.mp4"), ("ccc", None)]
    odd = ("", "..", "a\0b.mp4", "\ud800.mp4", f"{'x' * 120}.mp4", "aaa.mov")
    (part / "metadata.json").write_text(json.dumps(listing | {name: {"label": "REAL"} for name in odd}))
    layout = dfdc.find_real(tmp_path)
    assert [unit.name for unit in layout.units] == ["aaa", "ccc"]
    assert sorted(outcome.reason.split(":")[0] for outcome in layout.decided) == ["bad_name"] * 5 + ["same_name"]
    "".join(outcome.reason for outcome in layout.decided).encode()
    (part / "metadata.json").write_text("[1]")
    with pytest.raises(InputError, match=r"metadata\.json: not a list of labels"):
        dfdc.find_real(tmp_path)


def test_persons_in_file_names() -> None:
    assert aist.dancer_of("gBR_sBM_c01_d04_mBR0_ch01") == "d04"
    assert aist.dancer_of("gBR_sGR_c01_d04d05d06_mBR0_ch01") is None
    assert aist.dancer_of("gBR_sGR_c01_d04_d05_mBR0_ch01") is None
    assert aist.dancer_of("gBR_sGR_c01_m04_ch01") is None
    assert nemo.person_of("smiles--004_deliberate_smile_1") == "004"


def test_shares_stay_when_names_are_added() -> None:
    names = [f"video-{number}" for number in range(4000)]
    test = [name for name in names if partition_by_share(name, 0.1) == "test"]
    assert 0.08 < len(test) / len(names) < 0.12
    assert partition_by_share(test[0], 0.1) == "test"
    assert partition_by_share("anything", 0) == "train"


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
    assert _reasons(layout) == ["same_name: 'a--b/c.mp4' and 'a/b--c.mp4' make clips of one name; rename one"]


def test_names_that_no_terminal_can_show(tmp_path: Path) -> None:
    footage = tmp_path / "videos"
    footage.mkdir()
    encode(footage / "a.mp4", count=3)
    for name in (b"caf\xe9.mp4", b"two\nlines.mp4"):
        (footage / os.fsdecode(name)).touch()
    done = _prepare("folder", footage, tmp_path / "out", "--whole-frames", "--format", "png")
    assert done.exit_code == 1
    assert isinstance(done.exception, InputError), done.exception
    reasons = [row["reason"] for row in _rows(tmp_path / "out") if row["status"] == "failed"]
    assert [reason.split("': ")[0] for reason in reasons] == [
        r"bad_name: 'caf\udce9.mp4",
        r"bad_name: 'two\nlines.mp4",
    ]


def test_footage_in_a_folder_that_no_terminal_can_show(tmp_path: Path) -> None:
    footage = tmp_path / os.fsdecode(b"caf\xe9")
    footage.mkdir()
    encode(footage / "a.mp4", count=3)
    done = _prepare("folder", footage, tmp_path / "out", "--whole-frames", "--format", "png")
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
        done = _prepare("folder", data, data / "folder-64", "--whole-frames")
        assert done.exit_code == 0, done.output
        assert list(_clips(data / "folder-64")) == ["videos--a"]
    for name in ("clips.csv", "dataset.json"):  # as a kill leaves it
        (data / "folder-64" / name).unlink()
    assert [unit.name for unit in find_units(data, {".mp4", ".jpg"}).units] == ["videos--a"]
    assert [unit.name for unit in find_units(data / "folder-64", {".mp4"}).units] == ["train--videos--a"]


def test_clips_are_not_written_over_their_footage(tmp_path: Path) -> None:
    for partition in ("train", "test"):
        (tmp_path / "fashion" / partition).mkdir(parents=True)
        encode(tmp_path / "fashion" / partition / "a.mp4", count=3)
    before = (tmp_path / "fashion" / "train" / "a.mp4").read_bytes()
    done = _prepare("fashion", tmp_path / "fashion", tmp_path / "fashion")
    assert "the clips would lie among their footage; name another --output" in str(done.exception)
    assert (tmp_path / "fashion" / "train" / "a.mp4").read_bytes() == before


def _divided(footage: Path, output: Path, *listed: str) -> tuple[Result, dict[str, str]]:
    (footage / "test.txt").write_text("\n".join(listed))
    words = ("--whole-frames", "--format", "png", "--test-list", str(footage / "test.txt"))
    done = _prepare("folder", footage, output, *words)
    return done, {name: partition for name, (partition, _) in _clips(output).items()} if done.exit_code == 0 else {}


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


def test_a_folder_of_whole_videos(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    encode(tmp_path / "videos" / "a.mp4", count=6)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    (tmp_path / "test.txt").write_text("a\n")
    words = ("--whole-frames", "--format", "png", "--test-list", str(tmp_path / "test.txt"))
    done = _prepare("folder", tmp_path / "videos", tmp_path / "out", *words)
    assert done.exit_code == 1
    assert [(row["clip"], row["status"]) for row in _rows(tmp_path / "out")] == [("a", "ok"), ("broken", "failed")]
    (clip,) = open_dataset(tmp_path / "out").clips
    assert clip.partition == "test"
    with open_video(clip.path) as made, open_video(tmp_path / "videos/a.mp4") as video:
        assert np.array_equal(made.frame(3), resize(video.frame(3), (64, 64)))


def test_whole_clips_of_wide_pixels_are_measured_in_square_ones(tmp_path: Path) -> None:
    with open_quickly(encode(tmp_path / "a.mp4", count=5)) as footage:
        (finding,) = search_whole(footage, Unit("a", tmp_path / "a.mp4", "a", "p", "train"))
    assert (finding.row.bbox, finding.row.end, finding.row.fps) == (Box(0, 0, 96, 64), 5, 25)


@pytest.mark.parametrize(
    ("box", "increase", "square"),
    [
        (Box(40, 40, 60, 60), 0.5, Box(30, 30, 70, 70)),
        (Box(0, 40, 20, 60), 0.5, Box(0, 30, 40, 70)),
        (Box(80, 70, 100, 90), 0.5, Box(60, 40, 100, 80)),
        (Box(10, 10, 90, 70), 0.5, Box(10, 0, 90, 80)),
        (Box(0, 0, 100, 80), 0, Box(10, 0, 90, 80)),
    ],
)
def test_the_square_of_a_portrait_lies_in_the_picture(box: Box, increase: float, square: Box) -> None:
    assert square_around(box, increase, (100, 80)) == square


@pytest.mark.slow
def test_portraits(real_data: Path, tmp_path: Path) -> None:
    install_real("blazeface", real_data)
    (tmp_path / "pictures").mkdir()
    for path in sorted((real_data / "real" / "vox").iterdir()):
        if path.suffix in (".png", ".jpg"):
            (tmp_path / "pictures" / path.name).symlink_to(path)
    (tmp_path / "pictures" / "broken.png").write_text("no picture")
    Image.new("RGB", (200, 100), "white").save(tmp_path / "pictures" / "empty.png")
    done = _prepare("portraits", tmp_path / "pictures", tmp_path / "out", "--format", "png")
    assert done.exit_code == 1
    rows = {row["clip"]: row for row in _rows(tmp_path / "out")}
    assert (rows.pop("broken")["status"], rows.pop("empty")["status"]) == ("failed", "dropped")
    assert {(row["status"], row["frames"], row["partition"]) for row in rows.values()} == {("ok", "1", "test")}
    assert len(rows) == 4


@pytest.mark.slow
def test_people_of_unknown_footage(real_data: Path, tmp_path: Path) -> None:
    """A cut makes two tubes, and two people at once make two at the same time."""
    install_real("blazeface", real_data)
    (tmp_path / "videos").mkdir()
    for name in ("raw-vox-002", "raw-vox-003"):
        (tmp_path / "videos" / f"{name}.mp4").symlink_to(real_data / "raw" / "videos" / f"{name}.mp4")
    done = _prepare("folder", tmp_path / "videos", tmp_path / "out", "--min-size", "80", "--min-frames", "40")
    assert done.exit_code == 0, done.output
    rows = _rows(tmp_path / "out")
    cut = [row for row in rows if row["video_id"] == "raw-vox-002"]
    assert [(row["start"], row["end"]) for row in cut[:2]] == [("0", "140"), ("140", "300")]
    apart = [row for row in rows if row["video_id"] == "raw-vox-003"]
    lefts = [int(row["bbox"].split("-")[0]) for row in apart]
    assert min(lefts) < 250 < 400 < max(lefts)
