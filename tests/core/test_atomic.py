"""A file is whole or not there."""

import errno
import os
from pathlib import Path

import pytest

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
