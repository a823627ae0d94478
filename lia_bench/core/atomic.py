"""Files and folders put in their places: whole or not there, and linked where that is possible."""

import contextlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lia_bench.core.names import is_text


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on any error it is removed.

    What was written is on the disk before it becomes `path`, so that a power cut leaves the one or the other. A folder
    that was there is removed after the new one is in its place.

    The temporary name keeps the suffix, since video writers choose the container by it. Permissions are those that the
    process gives new files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield temporary
        _permit(temporary)
        _flush(temporary)
        _take_place(temporary, path)
        _flush_entries(path.parent)
    except BaseException:
        _remove(temporary)
        raise


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left half-written in `folder` itself; nobody may be writing there."""
    for path in folder.glob(".*.partial*"):
        _remove(path)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically, as UTF-8."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` atomically, as indented JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if not is_text(text):
        # Paths that are no UTF-8 are kept as escapes.
        text = json.dumps(value, indent=2) + "\n"
    # A path that is not UTF-8 has lone surrogates, and JSON's escape of those is Python's.
    write_text(path, text.encode("utf-8", errors="backslashreplace").decode())


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make `target` a hard link of `source`, or a copy where links are not possible.

    Raises:
        OSError: it can be neither linked nor copied (the disk is full, ...).
    """
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def _permit(path: Path) -> None:
    """Give a file that its writer keeps for the owner alone, as safetensors does, the permissions of other files."""
    if path.is_file() and stat.S_IMODE(path.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR:
        # The process's umask cannot be read without changing it for all threads.
        other = path.with_name(f"{path.name}.mode")
        other.touch()
        path.chmod(stat.S_IMODE(other.stat().st_mode))
        other.unlink()


def _flush(path: Path) -> None:
    """Have a file, or a folder with all that is in it, on the disk."""
    if path.is_dir():
        for inner in path.iterdir():
            _flush(inner)
        _flush_entries(path)
    elif path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _flush_entries(folder: Path) -> None:
    # Some file systems, and Windows, flush no folders.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _take_place(temporary: Path, path: Path) -> None:
    if not (temporary.is_dir() and path.is_dir()):
        temporary.replace(path)
        return
    if not _exchange(temporary, path):
        # No name that `remove_partial` clears away: for a moment it is the only one.
        former = path.with_name(f".{path.name}.{secrets.token_hex(4)}.former")
        path.replace(former)
        temporary.replace(path)
        temporary = former
    _flush_entries(path.parent)
    _remove(temporary)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; whether that was possible here."""
    import ctypes

    this_folder, exchange = -100, 2
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or an old one
        return False
    done: int = rename(this_folder, os.fsencode(one), this_folder, os.fsencode(other), exchange)
    return done == 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
