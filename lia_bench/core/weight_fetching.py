"""Third-party weights from their publishers to this machine."""

import errno

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.http_download import DownloadError, PartialFile, Patience, download
from lia_bench.core.locking import held
from lia_bench.core.weight_file import WeightFile, weights_home
from lia_bench.core.weight_placing import place_download, place_member
from lia_bench.core.weights import WEIGHTS, how_to_get


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
