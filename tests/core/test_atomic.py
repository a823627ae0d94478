"""A file is whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from lia_bench.core import atomic
from lia_bench.core.atomic import replacing, write_json


def write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half a rep")
        raise OSError(errno.ENOSPC, "disk full")


def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_json(path, {"step": 1})
    with pytest.raises(OSError, match="full"):
        write_half(path)
    assert path.read_text() == '{\n  "step": 1\n}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_folder_takes_the_place_of_the_old_folder(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    for name in ("old", "new"):
        with replacing(folder) as temporary:
            temporary.mkdir()
            (temporary / name).touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]


def write_folder(folder: Path, name: str) -> None:
    with replacing(folder) as temporary:
        temporary.mkdir()
        (temporary / name).touch()


@pytest.mark.parametrize("in_one_step", [True, False])
def test_the_old_folder_is_removed_after_the_new_one_is_in_place(
    in_one_step: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoint"
    write_folder(folder, "old")
    if not in_one_step:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    there = []

    def remove(path: Path) -> None:
        there.append([file.name for folder_ in (folder, path) for file in folder_.iterdir()])

    monkeypatch.setattr(atomic, "_remove", remove)
    write_folder(folder, "new")
    assert there == [["new", "old"]]


def test_killed_while_a_folder_is_exchanged_the_old_one_is_there_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "checkpoint"
    write_folder(folder, "old")

    def killed(path: Path) -> None:
        raise SystemExit

    monkeypatch.setattr(atomic, "_remove", killed)
    with pytest.raises(SystemExit):
        write_folder(folder, "new")
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_all_of_a_folder_is_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    flush, rename = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        flush(descriptor)

    def replace(path: Path, target: Path) -> Path:
        events.append("renamed")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    with replacing(tmp_path / "checkpoint") as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "weights").write_text("w")
    assert events == ["weights", "deep", temporary.name, "renamed", tmp_path.name]


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o007, 0o660), (0o077, 0o600)])
def test_permissions_are_those_of_new_files_even_where_the_writer_keeps_its_file_for_itself(
    umask: int, expected: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    before = os.umask(umask)
    try:
        with replacing(path) as temporary:
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == expected
    assert list(tmp_path.iterdir()) == [path]
