"""The embedded dataset: drawn the same for a seed, split by person, and cut like any other footage."""

import csv
from pathlib import Path

import numpy as np
import pytest

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.sample_marks import MARKS
from lia_bench.core.video import open_video
from lia_bench.metrics.extractors.sample_marks import find_marks
from lia_bench.preprocessing.recipes.sample.footage import Shooting, shoot, tube_box
from lia_bench.preprocessing.recipes.sample.identities import HAIR_STYLES, draw_identity
from lia_bench.preprocessing.recipes.sample.motion import draw_motion
from lia_bench.preprocessing.recipes.sample.renderer import HEIGHT, WIDTH, TalkingHead
from lia_bench.preprocessing.specification import DATASETS

SMALL = Shooting(identities=4, frames=3, seed=5)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole dataset of four people with three frames each."""
    output = tmp_path_factory.mktemp("sample") / "sample-64"
    words = f"preprocess sample --output {output} --identities 4 --frames 3 --seed 5 --workers 1"
    assert run(words.split(), debug=True) == 0
    return output


def test_it_is_a_dataset_of_the_registry() -> None:
    assert "sample" in DATASETS


def test_the_metadata_has_the_published_columns(small: Path) -> None:
    rows = table(small / "footage" / "metadata.csv")
    assert list(rows[0]) == ["video_id", "start", "end", "bbox", "fps", "width", "height", "partition", "person_id"]
    assert {(row["start"], row["end"], row["fps"], row["width"], row["height"]) for row in rows} == {
        ("0", "3", "25", "640", "360")
    }


def test_nobody_is_in_both_partitions(small: Path) -> None:
    rows = table(small / "footage" / "metadata.csv")
    people = {name: {row["person_id"] for row in rows if row["partition"] == name} for name in ("train", "test")}
    assert len(people["train"]) == 3
    assert len(people["test"]) == 1
    assert not people["train"] & people["test"]


def test_boxes_are_square_inside_the_frame_and_hold_the_marks(small: Path) -> None:
    marks = table(small / "footage" / "marks.csv")
    for row in table(small / "footage" / "metadata.csv"):
        left, top, right, bottom = map(int, row["bbox"].split("-"))
        assert right - left == bottom - top
        assert 0 <= left < right <= WIDTH
        assert 0 <= top < bottom <= HEIGHT
        for mark in marks:
            if mark["video"] == row["video_id"]:
                assert left < float(mark["x"]) < right
                assert top < float(mark["y"]) < bottom


def test_every_frame_has_every_mark(small: Path) -> None:
    rows = table(small / "footage" / "marks.csv")
    assert list(rows[0]) == ["video", "frame", "mark", "x", "y", "visible"]
    assert [row["mark"] for row in rows] == [mark.name for mark in MARKS] * 4 * 3
    assert np.mean([row["visible"] == "1" for row in rows]) > 0.75


def test_the_footage_becomes_verified_clips(small: Path) -> None:
    rows = table(small / "clips.csv")
    assert [(row["status"], row["frames"]) for row in rows] == [("ok", "3")] * 4
    dataset = open_dataset(str(small))
    assert len(dataset.partition("train")) == 3
    with open_video(dataset.partition("test")[0].path) as clip:
        assert clip.frame(0).shape == (64, 64, 3)


def test_marks_are_read_from_the_clips_where_they_truly_are(small: Path) -> None:
    boxes = {row["video_id"]: row["bbox"] for row in table(small / "footage" / "metadata.csv")}
    truth = table(small / "footage" / "marks.csv")
    errors = []
    for clip in table(small / "clips.csv"):
        left, top, right, _ = map(int, boxes[clip["video_id"]].split("-"))
        with open_video(small / clip["partition"] / f"{clip['clip']}.mp4") as video:
            found = [find_marks(frame) for frame in video]
        for row in truth:
            if row["video"] == clip["video_id"] and row["visible"] == "1":
                in_raw = np.array([float(row["x"]), float(row["y"])])
                expected = (in_raw + 0.5 - (left, top)) * 64 / (right - left) - 0.5
                number = [mark.name for mark in MARKS].index(row["mark"])
                errors.append(np.linalg.norm(found[int(row["frame"])][number] - expected))
    assert np.mean(np.isfinite(errors)) > 0.98
    assert np.nanmean(errors) < 0.3


def test_a_seed_gives_the_same_pictures_again() -> None:
    motion = draw_motion(5, 1, 3)
    first, again, other = (TalkingHead(draw_identity(seed, 1), seed, 1).picture(motion, 2).frame for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_people_differ() -> None:
    people = [draw_identity(0, index) for index in range(32)]
    assert {person.hair_style for person in people} == set(HAIR_STYLES)
    for name in ("skin", "hair", "iris", "garment", "backdrop", "wall", "cloth"):
        assert len({getattr(person, name) for person in people}) >= 5
    assert len({person.width for person in people}) == 32


def test_heads_move_through_the_frame_and_faces_move() -> None:
    motions = [draw_motion(0, index, 40) for index in range(8)]
    for name, least in (("yaw", 0.14), ("pitch", 0.05), ("roll", 0.035), ("across", 0.4), ("jaw", 0.25), ("lids", 0.1)):
        assert np.mean([getattr(motion, name).std() for motion in motions]) > least
    assert max(np.abs(np.diff(motion.yaw)).max() for motion in motions) < 0.2


def test_a_box_is_pushed_back_into_the_frame() -> None:
    heads = np.array([[20.0, 4.0, 160.0, 200.0], [0.0, 10.0, 150.0, 210.0]])
    left, top, right, bottom = tube_box(heads)
    assert (left, top) == (0, 0)
    assert right == bottom == round((210 - 4) * 1.2)


def test_shooting_goes_on_with_the_clip_that_is_missing_or_damaged(small: Path) -> None:
    folder = small / "footage"
    videos = sorted((folder / "videos").glob("*.mp4"))
    before = {video: (sha256_of_file(video), video.stat().st_mtime_ns) for video in videos}
    videos[1].unlink()
    videos[2].write_bytes(videos[2].read_bytes()[:1000])
    (folder / "videos" / ".head03.0123abcd.partial.mp4").write_bytes(b"half")
    shoot(folder, SMALL, workers=1)
    after = {video: (sha256_of_file(video), video.stat().st_mtime_ns) for video in videos}
    assert [after[video] == before[video] for video in videos] == [True, False, False, True]
    assert [after[video][0] == before[video][0] for video in videos] == [True] * 4
    assert sorted((folder / "videos").iterdir()) == videos


def test_footage_of_other_arguments_is_not_mixed(small: Path) -> None:
    with pytest.raises(InputError, match=r"frames 3.*frames 4.*--output"):
        shoot(small / "footage", Shooting(identities=4, frames=4, seed=5), workers=1)


@pytest.mark.parametrize("words", ["--size 8", "--size 65", "--identities 1", "--frames 0", "--format avi"])
def test_bad_arguments_are_refused_in_one_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["preprocess", "sample", *words.split()], debug=False) != 0
    message = capsys.readouterr().err.strip()
    assert words.split()[0] in message
    assert "Traceback" not in message
