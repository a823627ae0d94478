"""Third-party weights on their way to this machine: fetched or brought by hand, checked, then put in place whole."""

import errno
import shutil
import zipfile
import zlib
from pathlib import Path

from lia_bench.core.atomic import replacing
from lia_bench.core.errors import CheckpointError, InputError, MissingWeightsError
from lia_bench.core.http_download import DownloadError, PartialFile, Patience, download
from lia_bench.core.processes import held
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.weights import WEIGHTS, WeightFile, how_to_get, weights_home


def fetch(file: WeightFile, patience: Patience) -> list[WeightFile]:
    """Download `file`, check it and put it in place.

    From an archive, the other weights that are published in it and missing here are taken out as well.

    Returns:
        What was put in place; nothing if `file` was here already.

    Raises:
        MissingWeightsError: a person has to fetch it.
        DownloadError: it cannot be fetched or written, or another process is fetching it; what came is kept.
        CheckpointError: what came is not the published file, and was removed.
    """
    try:
        return _fetch(file, patience)
    except OSError as error:
        full = error.errno == errno.ENOSPC
        reason = "the disk is full: make room, then run the same command again" if full else error.strerror
        raise DownloadError(f"'{file.name}' cannot be kept in {weights_home()}: {reason or error}") from error


def is_here(file: WeightFile) -> bool:
    """Whether the file is on this machine, and the true one as far as can be told."""
    return file.status() not in ("missing", "wrong hash")


def _fetch(file: WeightFile, patience: Patience) -> list[WeightFile]:
    if is_here(file):
        return []
    if file.by_hand:
        raise MissingWeightsError(f"'{file.name}' cannot be fetched by a program: {how_to_get(file)}")
    published = file.address.rpartition("/")[2] if file.member else file.file_name
    folder = weights_home() / ".fetching"
    busy = DownloadError(f"'{file.name}' is being fetched by another process: wait for it")
    with held(folder / f"{published}.lock", busy):
        if is_here(file):
            return []
        partial = PartialFile(folder / f"{published}.part")
        try:
            download(file.address, partial, patience)
        except DownloadError as error:
            raise DownloadError(f"'{file.name}' from {error}") from error
        return _place(file, partial)


def _place(file: WeightFile, partial: PartialFile) -> list[WeightFile]:
    origin = f"'{file.name}' from {file.address}"
    try:
        if not file.member:
            place_download(file, partial.path, origin)
            files = [file]
        else:
            files = [file, *(other for other in _published_with(file) if other.status() == "missing")]
            for one in files:
                place_member(one, partial.path, f"'{one.name}' from {file.address}")
    except CheckpointError as error:
        partial.discard()
        raise CheckpointError(f"{error}; what came was removed") from error
    partial.discard()
    return files


def _published_with(file: WeightFile) -> list[WeightFile]:
    return [other for other in WEIGHTS.values() if other.member and other.source == file.source and other != file]


def add(path: Path, name: str | None) -> list[WeightFile]:
    """Copy a file, or what a zip archive holds, into the weights folder.

    Args:
        path: a published file, or the archive that files are published in.
        name: whose file it is; None to tell it by its file name, or by what the archive holds.

    Returns:
        The weights that were put in place.

    Raises:
        InputError: there is no such file, or no weights are known by its name.
        UnknownNameError: there are no weights called `name`.
        CheckpointError: it is not the published file, and nothing was put in place.
        OSError: it cannot be read or copied.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    files = _recognised(path) if name is None else [WEIGHTS[name]]
    for file in files:
        if _is_archive(path, file):
            place_member(file, path, str(path))
        else:
            place_copy(file, path)
    return files


def _recognised(path: Path) -> list[WeightFile]:
    named = [file for file in WEIGHTS.values() if file.file_name == path.name]
    files = named or [file for file in WEIGHTS.values() if _is_archive(path, file) and holds(path, file.member)]
    if not files:
        raise InputError(
            f"{path}: no weights are known by this file name; say whose it is with --as NAME "
            "('lia-bench weights list' has the names)"
        )
    return files


def _is_archive(path: Path, file: WeightFile) -> bool:
    return bool(file.member) and path.suffix.lower() == ".zip"


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
