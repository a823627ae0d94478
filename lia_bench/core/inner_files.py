"""Files that a folder of somebody else names: they lie in it, or are not read."""

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

from lia_bench.core.errors import InputError


class OutsideError(InputError):
    """A name or a link in a folder leads out of it."""


def named_inside(folder: Path, name: str) -> Path:
    """Where the file lies that something in `folder` names, by its path below it.

    Links are followed where a user may have put them, as in datasets; `inner_file` refuses those that lead out.

    Raises:
        OutsideError: the name is absolute, or goes up.
    """
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or PureWindowsPath(name).drive or "\0" in name:
        raise OutsideError(f"{folder}: names a file outside of it, {name}: write its path below that folder")
    return folder / place


def inner_file(folder: Path, name: str) -> Path:
    """The file that something in `folder` names, once it is sure to lie there; it need not exist.

    Results, runs and studies are passed on: what is read, copied or linked of them has to be theirs, lest a link pulls
    a private file of the reader into a page. The folder itself may be a link.

    Raises:
        OutsideError: the name, or a link on the way, leads out of the folder.
    """
    path = named_inside(folder, name)
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise OutsideError(
            f"{path}: a link that leads out of the folder, to {real}: if it is yours, put the file itself in its place"
        )
    return path
