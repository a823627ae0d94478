"""Third-party weights from files that were brought to this machine by hand."""

from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.core.weight_file import WeightFile
from lia_bench.core.weight_placing import holds, place_copy, place_member
from lia_bench.core.weights import WEIGHTS, entry


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
    files = _recognised(path) if name is None else [entry(name)]
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
