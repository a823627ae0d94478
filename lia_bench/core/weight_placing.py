"""Third-party weights on their way into the weights folder: checked first, then put in place whole."""

import shutil
import zipfile
import zlib
from pathlib import Path

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import CheckpointError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.weight_file import WeightFile

SIZE_TOLERANCE = 2**20 // 1000
"""Bytes; torchvision states sizes to the thousandth of 2**20 bytes."""


def difference(file: WeightFile, path: Path) -> str:
    """In what the file at `path` is not the published `file`; empty where nothing tells them apart."""
    if file.sha256_prefix is None:
        return ""
    size = path.stat().st_size
    if file.size_bytes is not None and abs(size - file.size_bytes) > SIZE_TOLERANCE:
        return f"it has {size / 1e6:.3f} MB and the published file {file.size_bytes / 1e6:.3f} MB"
    digest = sha256_of_file(path)
    if digest.startswith(file.sha256_prefix):
        return ""
    shown = digest[: len(file.sha256_prefix)]
    return f"its SHA-256 begins with {shown} and that of the published file with {file.sha256_prefix}"


def place_copy(file: WeightFile, path: Path) -> None:
    """Copy the file at `path` to where `file` belongs.

    Raises:
        CheckpointError: it is not the published file; nothing has changed.
    """
    with replacing(file.path) as temporary:
        shutil.copyfile(path, temporary)
        _refuse_if_different(file, temporary, str(path))


def place_download(file: WeightFile, path: Path, origin: str) -> None:
    """Move the file at `path` to where `file` belongs; `origin` is what messages call it.

    Raises:
        CheckpointError: it is not the published file; nothing has changed.
    """
    _refuse_if_different(file, path, origin)
    with replacing(file.path) as temporary:
        path.replace(temporary)


def place_member(file: WeightFile, archive: Path, origin: str) -> None:
    """Take `file` out of the zip archive that it is published in; `origin` is what messages call that.

    Raises:
        CheckpointError: the archive is damaged, or lacks the file, or holds another; nothing has changed.
    """
    with replacing(file.path) as temporary:
        try:
            with (
                zipfile.ZipFile(archive) as opened,
                opened.open(_member(opened, file.member)) as content,
                temporary.open("wb") as copy,
            ):
                shutil.copyfileobj(content, copy)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise CheckpointError(f"{origin}: not a whole zip archive, so it was refused ({error})") from error
        except KeyError:
            raise CheckpointError(f"{origin}: this archive does not hold {file.member}, so it was refused") from None
        _refuse_if_different(file, temporary, f"{file.member} of {origin}")


def holds(archive: Path, member: str) -> bool:
    """Whether a file is a zip archive with `member` in it."""
    try:
        with zipfile.ZipFile(archive) as opened:
            _member(opened, member)
    except (zipfile.BadZipFile, KeyError):
        return False
    return True


def _member(archive: zipfile.ZipFile, member: str) -> str:
    # People pack the same files again with a folder around them.
    found = [name for name in archive.namelist() if f"/{name}".endswith(f"/{member}")]
    if len(found) != 1:
        raise KeyError(member)
    return found[0]


def _refuse_if_different(file: WeightFile, path: Path, origin: str) -> None:
    reason = difference(file, path)
    if reason:
        raise CheckpointError(f"{origin}: not the published {file.file_name}, so it was refused: {reason}")
