"""Recipes on footage in the layouts of the datasets' owners."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock
from PIL import Image

from lia_bench.core.dataset_description import read_description
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.registry import load_attribute
from lia_bench.core.video import open_video, resize
from lia_bench.preprocessing.boxes import Box, square_within
from lia_bench.preprocessing.footage import open_quickly
from lia_bench.preprocessing.layouts import Layout, divide_by_share
from lia_bench.preprocessing.prepared.verification import verify
from lia_bench.preprocessing.recipes import aist, bair, dfdc, fashion, nemo
from lia_bench.preprocessing.search import Unit
from lia_bench.preprocessing.specification import DATASETS
from lia_bench.preprocessing.whole_clips import search_whole
from tests.core.videos import encode, moving_picture
from tests.preprocessing.detectors import install_real
from tests.preprocessing.recipes import clips_of, prepare, rows_of


def test_every_recipe_has_help_with_an_example() -> None:
    for specification in DATASETS.values():
        done = CliRunner().invoke(load_attribute(specification.command), ["--help"])
        assert done.exit_code == 0, specification.name
        assert f"lia-bench preprocess {specification.name}" in done.output


def test_mgif(tmp_path: Path) -> None:
    _gif(tmp_path / "moving-gif" / "train" / "cat.gif", 7)
    _gif(tmp_path / "moving-gif" / "test" / "dog.gif", 5)
    done = prepare("mgif", tmp_path / "moving-gif", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert clips_of(tmp_path / "out") == {"cat": ("train", "7"), "dog": ("test", "5")}
    with open_video(tmp_path / "out/train/cat.mp4") as made:
        assert made.properties.fps == 10


def _gif(path: Path, count: int, duration: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Image.fromarray(frame) for frame in moving_picture(count, 80, 80)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=duration)


def test_a_slow_gif(tmp_path: Path) -> None:
    footage = tmp_path / "moving-gif"
    for name, duration in (("train/slow", 300_000), ("test/fast", 100)):
        _gif(footage / f"{name}.gif", 3, duration)
    done = prepare("mgif", footage, tmp_path / "out")
    assert done.exit_code == 0, done.output
    rates = {row["clip"]: float(row["fps"]) for row in rows_of(tmp_path / "out")}
    assert rates == {"slow": pytest.approx(1 / 300), "fast": 10}
    with open_video(tmp_path / "out" / "train" / "slow.mp4") as made:
        assert len(made) == 3
        assert made.properties.fps == pytest.approx(1 / 300)


def test_one_name_in_train_and_test(tmp_path: Path) -> None:
    footage, output = tmp_path / "moving-gif", tmp_path / "out"
    _gif(footage / "train" / "00001.gif", 7)
    _gif(footage / "test" / "00001.gif", 5)
    for _ in range(2):  # the second one knows what the first has found
        done = prepare("mgif", footage, output)
        assert done.exit_code == 0, done.output
        assert {(row["clip"], row["partition"], row["frames"]) for row in rows_of(output)} == {
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
    done = prepare("bair", footage, tmp_path / "out", "--format", "png")
    assert done.exit_code == 1
    assert "unreadable_records: traj_2_to_3.tfrecords: the records end or break" in done.output + str(
        rows_of(tmp_path / "out")
    )
    assert clips_of(tmp_path / "out") == {
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
        assert "another run is preparing this dataset" in str(prepare("bair", footage, output).exception)
    assert len(list(unpacked.iterdir())) == 1
    assert prepare("bair", footage, output).exit_code == 0
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
    test = _tested(names, 0.1)
    assert 0.08 < len(test) / len(names) < 0.12
    assert _tested(names[:2000], 0.1) == [name for name in test if name in names[:2000]]
    assert _tested(names, 0) == []
    assert _tested(names, 1) == names


@pytest.mark.parametrize("count", range(2, 12))
def test_of_two_videos_at_least_one_tests_and_one_trains(count: int) -> None:
    for share in (0.001, 0.1, 0.999):
        assert 0 < len(_tested([f"clip-{number}" for number in range(count)], share)) < count
    assert _tested(["alone"], 0.1) == []


def _tested(names: list[str], share: float) -> list[str]:
    units = tuple(Unit(name, None, name, None, "train") for name in names)
    return [unit.name for unit in divide_by_share(Layout(units, ()), share).units if unit.partition == "test"]


def test_a_folder_of_whole_videos(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    encode(tmp_path / "videos" / "a.mp4", count=6)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    (tmp_path / "test.txt").write_text("a\n")
    words = ("--whole-frames", "--format", "png", "--test-list", str(tmp_path / "test.txt"))
    done = prepare("folder", tmp_path / "videos", tmp_path / "out", *words)
    assert done.exit_code == 1
    assert [(row["clip"], row["status"]) for row in rows_of(tmp_path / "out")] == [("a", "ok"), ("broken", "failed")]
    (clip,) = open_dataset(tmp_path / "out").clips
    assert clip.partition == "test"
    with open_video(clip.path) as made, open_video(tmp_path / "videos/a.mp4") as video:
        assert np.array_equal(made.frame(3), resize(video.frame(3), (64, 64)))
    assert read_description(tmp_path / "out").subject == ""
    prepare("folder", tmp_path / "videos", tmp_path / "out", *words, "--subject", "body")
    assert read_description(tmp_path / "out").subject == "body"


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
    assert square_within(box, increase, (100, 80)) == square


def test_aligned_portraits(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (100, 80), "white").save(tmp_path / "pictures" / f"{name}.png")
    done = prepare("portraits", tmp_path / "pictures", tmp_path / "out", "--aligned", "--format", "png")
    assert read_description(tmp_path / "out").subject == "face"
    assert clips_of(tmp_path / "out") == {"a": ("test", "1"), "b": ("test", "1")}
    assert "?picture/s" in done.output
    assert "?video/s" not in done.output.split("cutting")[0]


@pytest.mark.slow
def test_portraits(real_data: Path, tmp_path: Path) -> None:
    install_real("blazeface", real_data)
    (tmp_path / "pictures").mkdir()
    for path in sorted((real_data / "real" / "vox").iterdir()):
        if path.suffix in (".png", ".jpg"):
            (tmp_path / "pictures" / path.name).symlink_to(path)
    (tmp_path / "pictures" / "broken.png").write_text("no picture")
    Image.new("RGB", (200, 100), "white").save(tmp_path / "pictures" / "empty.png")
    done = prepare("portraits", tmp_path / "pictures", tmp_path / "out", "--format", "png")
    assert done.exit_code == 1
    rows = {row["clip"]: row for row in rows_of(tmp_path / "out")}
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
    done = prepare("folder", tmp_path / "videos", tmp_path / "out", "--min-size", "80", "--min-frames", "40")
    assert done.exit_code == 0, done.output
    assert read_description(tmp_path / "out").subject == "face"
    rows = rows_of(tmp_path / "out")
    cut = [row for row in rows if row["video_id"] == "raw-vox-002"]
    assert [(row["start"], row["end"]) for row in cut[:2]] == [("0", "140"), ("140", "300")]
    apart = [row for row in rows if row["video_id"] == "raw-vox-003"]
    lefts = [int(row["bbox"].split("-")[0]) for row in apart]
    assert min(lefts) < 250 < 400 < max(lefts)
