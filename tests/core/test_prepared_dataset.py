"""Prepared folders, and folders as others leave them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import open_video, write_png_folder, write_video
from tests.core.videos import moving_picture
from tests.preprocessing.prepared import small_dataset

HEADER = "clip,partition,video_id,person_id,start,end,bbox,fps,width,height,frames,sha256,status,reason\n"


def _prepared(folder: Path, names: list[str]) -> Path:
    rows = ""
    for index, name in enumerate(names):
        partition = "test" if index == 0 else "train"
        write_video(folder / partition / f"{name}.mp4", moving_picture(2, width=16, height=16), 25)
        rows += f"{name},{partition},v,id{index},0,2,0-0-16-16,25,16,16,2,x,ok,\n"
    (folder / "clips.csv").write_text(HEADER + rows + "lost,train,v,id9,0,2,0-0-16-16,25,16,16,,,failed,no\n")
    (folder / "dataset.json").write_text(json.dumps({"hash": sha256_of_file(folder / "clips.csv")}))
    return folder


def test_a_prepared_dataset_by_name_and_by_folder(tmp_path: Path) -> None:
    folder = _prepared(tmp_path / "vox-16", ["a#v#000000#000002", "b.c", "d"])
    for dataset in (
        open_dataset("vox", tmp_path, size=16),
        open_dataset("vox", tmp_path),
        open_dataset("vox-16", tmp_path),
        open_dataset(folder),
    ):
        assert dataset.name == "vox-16"
        assert dataset.hash == sha256_of_file(folder / "clips.csv")
        assert [clip.name for clip in dataset.clips] == ["a#v#000000#000002", "b.c", "d"]
        (test,) = dataset.partition("test")
        assert test.person_id == "id0"
        with open_video(test.path) as reader:
            assert len(reader) == 2


def test_pictures_instead_of_files(tmp_path: Path) -> None:
    folder = tmp_path / "vox-16"
    write_png_folder(folder / "test" / "a", moving_picture(2))
    (folder / "clips.csv").write_text(HEADER + "a,test,v,,0,2,0-0-16-16,25,16,16,2,x,ok,\n")
    (clip,) = open_dataset(folder).clips
    assert clip.person_id is None
    with open_video(clip.path) as reader:
        assert len(reader) == 2


def test_a_table_of_the_least_columns(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    write_video(folder / "test" / "a.mp4", moving_picture(2), 25)
    (folder / "clips.csv").write_text("clip,partition,status\na,test,ok\n")
    (clip,) = open_dataset(folder).clips
    assert (clip.key, clip.person_id) == ("test/a", None)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = _prepared(tmp_path / "vox-16", ["a"])
    with pytest.raises(InputError, match=r"no clip in the partition 'train'.*vox-16/train"):
        open_dataset(folder).partition("train")
    with pytest.raises(InputError, match=r"there is vox-16 in .*, but not at 32 pixels; prepare it with --size 32"):
        open_dataset("vox", tmp_path, size=32)
    with pytest.raises(InputError, match="lia-bench preprocess taichi"):
        open_dataset("taichi", tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_dataset(str(tmp_path / "gone"))
    (folder / "test" / "a.mp4").unlink()
    with pytest.raises(InputError, match=r"clips\.csv lists this clip but it is not there"):
        open_dataset(folder)


def test_a_table_that_was_changed_is_refused(tmp_path: Path) -> None:
    folder = _prepared(tmp_path / "vox-16", ["a"])
    with (folder / "clips.csv").open("a") as file:
        file.write("b,train,v,,0,2,0-0-16-16,25,16,16,2,x,ok,\n")
    with pytest.raises(InputError, match=r"not the table that dataset\.json describes"):
        open_dataset(folder)


def test_half_a_preparation_is_not_a_dataset(tmp_path: Path) -> None:
    folder = _prepared(tmp_path / "vox-16", ["a"])
    (folder / "clips.csv").unlink()
    (folder / ".finished").mkdir()
    with pytest.raises(InputError, match="was interrupted; run its command again"):
        open_dataset(folder)


def test_folders_as_they_lie(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    write_video(folder / "train" / "id1#x.mp4", moving_picture(2), 25)
    write_png_folder(folder / "train" / "id2#y.mp4", moving_picture(2))
    (folder / "test").mkdir()
    strip = np.concatenate(list(moving_picture(4, width=16, height=16)), axis=1)
    Image.fromarray(strip).save(folder / "test" / "z.jpg", format="PNG")
    Image.new("RGB", (16, 16)).save(folder / "test" / "still.png")
    (folder / "test" / "notes.txt").write_text("-")
    dataset = open_dataset(folder)
    assert [(clip.name, clip.partition, clip.person_id) for clip in dataset.clips] == [
        ("id1#x", "train", "id1"),
        ("id2#y.mp4", "train", "id2"),
        ("z", "test", None),
    ]
    before = dataset.hash
    assert open_dataset(folder).hash == before
    write_video(folder / "train" / "id1#x.mp4", moving_picture(3), 25)
    assert open_dataset(folder).hash != before


def test_a_strip_of_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (300, 100)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(InputError, match=r"large\.png: the picture is too large"):
        open_dataset(tmp_path)


def test_a_flat_folder_serves_both_partitions(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_picture(2), 25)
    Image.new("RGB", (16, 16)).save(tmp_path / "portrait.png")
    dataset = open_dataset(tmp_path)
    assert [clip.name for clip in dataset.partition("train")] == ["a"]
    assert dataset.partition("train")[0].path == dataset.partition("test")[0].path


def test_an_empty_folder_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no clip"):
        open_dataset(tmp_path)


def test_real_folders(real_data: Path) -> None:
    vox = open_dataset(real_data / "real/vox")
    assert [clip.name for clip in vox.partition("test")] == ["driving1", "driving2", "driving3", "obama"]
    actions = open_dataset(real_data / "actions")
    assert (len(actions.partition("train")), len(actions.partition("test"))) == (26, 15)
    shapes = open_dataset(real_data / "shapes")
    assert (len(shapes.partition("train")), len(shapes.partition("test"))) == (800, 200)


def test_some_clips_of_a_dataset_have_the_same_hash_for_whoever_holds_them(tmp_path: Path) -> None:
    mine = open_dataset(_prepared(tmp_path / "mine", ["a", "b", "c"]))
    theirs = open_dataset(_prepared(tmp_path / "theirs", ["a", "c", "b", "d"]))
    keys = {"test/a", "train/b", "train/x"}
    chosen = mine.only(keys)
    assert [clip.key for clip in chosen.clips] == ["test/a", "train/b"]
    assert chosen.hash == theirs.only(keys).hash
    assert len({chosen.hash, mine.hash, theirs.hash, mine.only({"test/a"}).hash}) == 4
    write_video(tmp_path / "mine" / "train" / "b.mp4", moving_picture(3, width=16, height=16), 25)
    assert mine.only(keys).hash != chosen.hash


def test_a_clip_that_was_changed_since_it_was_prepared_is_told(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path / "own")
    (clip,) = open_dataset(folder).partition("test")
    assert clip.checked_sha256() == sha256_of_file(clip.path)
    clip.path.write_bytes(clip.path.read_bytes() + b"\0")
    with pytest.raises(UnreadableVideoError, match=r"q#b#0\.mp4: damaged, or changed since it was prepared"):
        clip.checked_sha256()
