"""Third-party weights on their way to this machine: fetched or brought by hand, checked, then put in place whole."""

import errno
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from lia_bench.core.atomic import replacing
from lia_bench.core.download_hosts import discard, fetch_file, is_of_file
from lia_bench.core.errors import CheckpointError, InputError, LiaBenchError, MissingWeightsError, UnknownNameError
from lia_bench.core.http_download import DownloadError, Patience
from lia_bench.core.processes import held
from lia_bench.core.suggestions import unknown
from lia_bench.core.weight_file import WeightFile, weights_home
from lia_bench.core.weights import WEIGHTS, by_hand, how_to_get

# torch writes its files as zip archives.
_ZIP = b"pk\x03\x04"


def fetch(file: WeightFile, patience: Patience) -> list[WeightFile]:
    """Download `file`, check it and put it in place; its licence is printed before.

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
    place = weights_home() / ".fetching" / file.folder / published
    busy = DownloadError(f"'{file.name}' is being fetched by another process: wait for it")
    with held(place.with_name(f"{published}.lock"), busy):
        if is_here(file):
            return []
        click.echo(f"{file.name}: licence: {file.licence}", err=True)
        *others, last = (file.address, *file.mirrors)
        for address in others:
            try:
                return _from(address, file, place, patience)
            except LiaBenchError as error:
                click.echo(f"{error}; trying another address", err=True)
        try:
            return _from(last, file, place, patience)
        except LiaBenchError as error:
            if isinstance(error, InputError) or (not others and is_of_file(last)):
                raise
            raise DownloadError(f"{error}; or {by_hand(file)}") from error


def _from(address: str, file: WeightFile, place: Path, patience: Patience) -> list[WeightFile]:
    try:
        path = fetch_file(address, place.name, place, patience)
    except DownloadError as error:
        raise DownloadError(f"'{file.name}' from {error}") from error
    try:
        files = _place(file, path, address)
    except CheckpointError as error:
        discard(place)
        raise CheckpointError(f"{error}; what came was removed") from error
    discard(place)
    return files


def _place(file: WeightFile, path: Path, address: str) -> list[WeightFile]:
    if not file.member:
        place_download(file, path, f"'{file.name}' from {address}")
        return [file]
    files = [file, *(other for other in _published_with(file) if other.status() == "missing")]
    for one in files:
        place_member(one, path, f"'{one.name}' from {address}")
    return files


def _published_with(file: WeightFile) -> list[WeightFile]:
    return [other for other in WEIGHTS.values() if other.member and other.source == file.source and other != file]


def add(path: Path, name: str | None, known: Mapping[str, WeightFile] = WEIGHTS) -> list[WeightFile]:
    """Copy a file, or what a zip archive holds, into the weights folder.

    Args:
        path: a published file, or the archive that files are published in.
        name: whose file it is; None to tell it by its file name, or by what the archive holds.
        known: the weights that it may be of, by name.

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
    if name is not None and name not in known:
        raise UnknownNameError(unknown("weights", name, known))
    files = _recognised(path, known.values()) if name is None else [known[name]]
    for file in files:
        if _is_archive(path, file):
            place_member(file, path, str(path))
        else:
            place_copy(file, path)
    return files


def _recognised(path: Path, known: Iterable[WeightFile]) -> list[WeightFile]:
    named = [file for file in known if file.file_name == path.name]
    if len(named) > 1:
        raise InputError(f"{path}: say with --as whose it is: {', '.join(file.name for file in named)}")
    files = named or [file for file in known if _is_archive(path, file) and holds(path, file.member)]
    if not files:
        raise InputError(
            f"{path}: no weights are known by this file name; say whose it is with --as NAME "
            "('lia-bench weights list' has the names)"
        )
    return files


def _is_archive(path: Path, file: WeightFile) -> bool:
    return bool(file.member) and path.suffix.lower() == ".zip"


def place_copy(file: WeightFile, path: Path) -> None:
    """Copy the file at `path` to where `file` belongs.

    Raises:
        CheckpointError: it is not the published file; nothing has changed.
    """
    with replacing(file.path) as temporary:
        shutil.copyfile(path, temporary)
        _refuse_if_different(file, temporary, str(path))
    file.remember()


def place_download(file: WeightFile, path: Path, origin: str) -> None:
    """Move the file at `path` to where `file` belongs; `origin` is what messages call it.

    Raises:
        CheckpointError: it is not the published file; nothing has changed.
    """
    _refuse_if_different(file, path, origin)
    with replacing(file.path) as temporary:
        path.replace(temporary)
    file.remember()


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
    file.remember()


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
    reason = file.difference(path)
    if reason:
        raise CheckpointError(f"{origin}: not the published {file.file_name}, so it was refused: {reason}")
    if not file.has_published_hash and _is_broken(path):
        raise CheckpointError(f"{origin}: a web page, or a file that was cut short or damaged, so it was refused")


def _is_broken(path: Path) -> bool:
    """Whether a file without a published hash cannot be one of weights: a page, or a zip archive that is not whole."""
    with path.open("rb") as file:
        begin = file.read(512).lstrip().lower()
    if begin.startswith((b"<!doctype html", b"<html")):
        return True
    if not begin.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    # Python's reader has an error of its own for each way in which an archive can be damaged.
    except Exception:
        return True
