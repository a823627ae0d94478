"""Datasets packed into tar files: what is in them, that nothing is lost on the way there, and what is refused."""

import csv
import errno
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lia_bench.cli.main import run
from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.video import open_indexed, open_video, sha256_of_video
from lia_bench.preprocessing.prepared.tar_files import PackingOptions, pack
from lia_bench.preprocessing.prepared.verification import verify
from tests.preprocessing.prepared import describe, good_row, small_dataset

SMALL = PackingOptions(frames=4)
"""A tar file for each clip of `small_dataset`."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("data") / "vox-32")


@pytest.fixture(scope="module")
def packed(whole: Path) -> Path:
    output = whole.with_name("packed")
    done = pack(whole, output, SMALL)
    assert (done.tars, done.missing) == (3, ())
    assert done.hash == open_dataset(output).hash
    return output


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."}


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_any_tool_finds_the_frames_in_the_tar_and_by_its_index(packed: Path) -> None:
    names = ["test-00000.tar", "train-00000.tar", "train-00001.tar"]
    assert sorted(path.name for path in packed.glob("*.tar")) == names
    for tar in packed.glob("*.tar"):
        with tarfile.open(tar) as archive:
            members = archive.getmembers()
            assert all(member.isfile() and (member.mtime, member.uid, member.uname) == (0, 0, "") for member in members)
            # As wds2idx of NVIDIA DALI writes it.
            expected = [f"jpg {member.offset_data} {member.size} {member.name}" for member in members]
        assert tar.with_suffix(".idx").read_text().splitlines() == [f"v1.2 {len(members)}", *expected]
    clip = open_dataset(packed).partition("test")[0]
    assert [line.split()[3] for line in (packed / "test-00000.idx").read_text().splitlines()[1:]] == [
        f"test/{clip.name}/{number:07d}.jpg" for number in range(4)
    ]


def test_frames_are_those_of_the_clips_but_for_jpeg(whole: Path, packed: Path) -> None:
    for clip, source in zip(open_dataset(packed).clips, open_dataset(whole).clips, strict=True):
        assert (clip.key, clip.frames, clip.person_id) == (source.key, source.frames, source.person_id)
        with open_video(clip.path) as reader, open_video(source.path) as before:
            assert (len(reader), reader.properties.width) == (len(before), before.properties.width)
            for index in (2, 0, 3):
                off = np.subtract(reader.frame(index), before.frame(index), dtype=int)
                assert 0 < np.abs(off).mean() < 4
        with pytest.raises(IndexError), open_indexed(clip.path) as reader:
            reader.frame(len(reader))


def test_unpacked_it_is_a_dataset_of_folders_with_the_same_hashes(packed: Path, tmp_path: Path) -> None:
    for tar in packed.glob("*.tar"):
        with tarfile.open(tar) as archive:
            archive.extractall(tmp_path, filter="data")
    good = [row for row in _rows(packed) if row["status"] == "ok"]
    assert len(good) == 3
    for row in good:
        assert sha256_of_video(tmp_path / row["partition"] / row["clip"]) == row["sha256"]
    assert len(open_dataset(tmp_path).clips) == 3


def test_it_is_found_in_a_folder_that_is_called_like_a_tar(packed: Path, tmp_path: Path) -> None:
    inner = Path(shutil.copytree(packed, tmp_path / "old.tar" / "packed"))
    (clip, *_) = open_dataset(inner).partition("test")
    assert clip.checked_sha256() == open_dataset(packed).partition("test")[0].checked_sha256()
    (inner / "test-00000.tar").unlink()
    with pytest.raises(InputError, match=r"test-00000\.tar: clips\.csv has clips of this tar but it is not there"):
        open_dataset(inner)


def test_models_are_evaluated_on_it_as_on_the_clips(whole: Path, packed: Path, tmp_path: Path) -> None:
    found = []
    for dataset in (whole, packed):
        words = ["evaluate", "--models", "identity", "--dataset", str(dataset), "--task", "reconstruction"]
        words += ["--metrics", "l1", "--name", dataset.name, "--results", str(tmp_path), "--device", "cpu"]
        assert run(words, debug=False) == 0
        with (tmp_path / dataset.name / "leaderboard.csv").open(newline="") as file:
            (row,) = csv.DictReader(file)
        assert row["dataset_hash"] == open_dataset(dataset).hash
        found.append(float(row["l1"]))
    assert found[1] == pytest.approx(found[0], abs=0.01)


def test_what_it_was_packed_from_and_how_stands_in_dataset_json(whole: Path, packed: Path) -> None:
    said = json.loads((packed / "dataset.json").read_text())
    tars = {tar.name: sha256_of_file(tar) for tar in packed.glob("*.tar")}
    assert said["packed"] == {"source": open_dataset(whole).hash, "quality": 95, "tars": tars}
    assert "packed" not in json.loads((whole / "dataset.json").read_text())
    assert (said["recipe"], said["subject"]) == ("vox", "face")
    found = verify(packed, 1)
    assert (found.clips, found.problems, found.unlisted) == (3, (), ())


def test_runs_share_the_tar_files_and_the_last_one_writes_the_tables(
    whole: Path, packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "shared"
    words = ["datasets", "pack", str(whole), "--output", str(output), "--frames", "4", "--workers", "2"]
    assert run([*words, "--shard", "2/2"], debug=False) == 0
    assert "1 of 3 tar files are there" in capsys.readouterr().out
    with pytest.raises(InputError, match="interrupted"):
        open_dataset(output)
    assert run([*words, "--shard", "1/2"], debug=False) == 0
    assert f"3 tar files, hash {open_dataset(output).hash}" in capsys.readouterr().out
    assert _contents(output) == _contents(packed)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_run_that_was_stopped_leaves_whole_files_and_goes_on(
    stop: BaseException, whole: Path, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    add = tarfile.TarFile.addfile

    def stopped(self: tarfile.TarFile, member: tarfile.TarInfo, file: Any = None) -> None:
        if len(written) == 7:
            raise stop
        written.append(member.name)
        add(self, member, file)

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "addfile", stopped)
        with pytest.raises(type(stop)):
            pack(whole, tmp_path / "out", SMALL)
    assert list(_contents(tmp_path / "out")) == ["train-00000.idx", "train-00000.tar"]
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".finished"]
    before = (tmp_path / "out" / "train-00000.tar").stat().st_ino
    # What a kill leaves.
    (tmp_path / "out" / ".train-00001.1234.partial.tar").write_bytes(b"half")
    pack(whole, tmp_path / "out", SMALL)
    assert (tmp_path / "out" / "train-00000.tar").stat().st_ino == before
    assert _contents(tmp_path / "out") == _contents(packed)
    assert [path.name for path in (tmp_path / "out").glob(".*")] == [".finished"]


def test_a_tar_that_was_damaged_is_written_anew(whole: Path, packed: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(packed, tmp_path / "out"))
    with (output / "train-00000.tar").open("r+b") as file:
        file.seek(700)
        file.write(b"\0\0\0")
    assert [problem.clip for problem in verify(output, 1).problems] == ["train-00000.tar", "train/p#a#0"]
    pack(whole, output, SMALL)
    assert _contents(output) == _contents(packed)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("train-00000.idx", b"", "not an index of packed frames"),
        ("train-00000.idx", b"v1.2 4\nnothing\n", "not an index of packed frames"),
        ("train-00000.idx", b"v2 4\njpg 512 10 train/p#a#0/0000000.jpg\n", "not an index of packed frames"),
        ("train-00000.idx", b"v1.2 1\njpg 512 10 train/q#a#0/0000000.jpg\n", "names no frame of train/p#a#0"),
        ("train-00000.idx", b"v1.2 1\njpg 512 99999999 train/p#a#0/0000000.jpg\n", "beyond the end of the file"),
        ("train-00000.idx", b"v1.2 1\njpg 0 100 train/p#a#0/0000000.jpg\n", "the first frame is no JPEG"),
        ("train-00000.tar", b"", "beyond the end of the file"),
        ("train-00000.idx", None, "No such file"),
    ],
)
def test_a_damaged_tar_or_index_is_named(
    file: str, content: bytes | None, reason: str, packed: Path, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(packed, tmp_path / "out"))
    (output / file).unlink()
    if content is not None:
        (output / file).write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=reason) as caught:
        open_video(output / "train-00000.tar/train/p#a#0").close()
    assert "pack the dataset again" in str(caught.value)


def test_a_picture_that_is_cut_short_is_no_frame(packed: Path, tmp_path: Path) -> None:
    output = Path(shutil.copytree(packed, tmp_path / "out"))
    index = output / "test-00000.idx"
    lines = [line.split(" ") for line in index.read_text().splitlines()]
    lines[2][2] = str(int(lines[2][2]) // 2)
    with open_video(output / "test-00000.tar/test/q#b#0") as reader:
        assert reader.frame(1).shape == (32, 32, 3)
    # What was read of the index before does not count once it is another one.
    index.write_text("\n".join(" ".join(line) for line in lines) + "\n")
    with open_video(output / "test-00000.tar/test/q#b#0") as reader:
        reader.frame(0)
        with pytest.raises(UnreadableVideoError, match="frame 1 is damaged"):
            reader.frame(1)


def test_what_cannot_be_packed_is_refused_with_a_way_out(whole: Path, packed: Path, tmp_path: Path) -> None:
    part = describe(
        tmp_path / "part", [good_row(tmp_path / "part", "p#a#0")], shard={"index": 1, "count": 2}, positions=[[0]]
    )
    changed = Path(shutil.copytree(whole, tmp_path / "changed"))
    (changed / "train" / "p#a#0.mp4").write_bytes(b"another file")
    (tmp_path / "file").touch()
    refused: list[tuple[Path, Path, PackingOptions, str]] = [
        (tmp_path / "nothing", tmp_path / "out", SMALL, "no such folder"),
        (part, tmp_path / "out", SMALL, "datasets merge"),
        (packed, tmp_path / "out", SMALL, "packed already"),
        (changed, tmp_path / "out", SMALL, "not the clip that clips.csv describes"),
        (whole, whole, SMALL, "name another --output"),
        (whole, tmp_path / "file", SMALL, "not a folder"),
        (whole, part, SMALL, "holds another dataset"),
        (whole, packed, PackingOptions(quality=80), "--quality; remove it"),
        (whole, packed, PackingOptions(), "holds train-00001.tar, as of other --frames"),
    ]
    for folder, output, options, reason in refused:
        with pytest.raises(InputError, match=reason):
            pack(folder, output, options)
    assert not (tmp_path / "out").exists()


def test_quality_decides_how_near_and_how_large(whole: Path, packed: Path, tmp_path: Path) -> None:
    pack(whole, tmp_path / "low", PackingOptions(quality=20))
    lines = [(folder / "test-00000.idx").read_text().splitlines()[1:] for folder in (tmp_path / "low", packed)]
    low, usual = (sum(int(line.split()[2]) for line in own) for own in lines)
    assert low < 0.8 * usual
    assert json.loads((tmp_path / "low" / "dataset.json").read_text())["packed"]["quality"] == 20
