"""Footage as the owners of datasets lay it out: what lies under a folder, by which names, and what of it tests."""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import click

from lia_bench.core.clips_table import TABLE
from lia_bench.core.dataset_description import DESCRIPTION
from lia_bench.core.errors import InputError
from lia_bench.core.names import printable, same_name
from lia_bench.core.prepared_dataset import FINISHED_FOLDER, VIDEO_SUFFIXES
from lia_bench.core.video.files import divide_files, left_out_line
from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES
from lia_bench.preprocessing.clip_table import parse_identifier
from lia_bench.preprocessing.ledger import Outcome
from lia_bench.preprocessing.plan import by_name_and_container, draw, read_names
from lia_bench.preprocessing.search import Unit

Partition = Literal["train", "test"]
SHOWN = 3
"""Names that a remark gives as examples."""


@dataclass(frozen=True)
class Layout:
    """What a folder of footage holds.

    Attributes:
        units: one a file, in the order of their names.
        decided: what cannot be searched: folders nobody may read, and names that cannot name a clip.
        drawn: whether the partitions of the units were drawn, so that a clip more or less may change them.
    """

    units: tuple[Unit, ...]
    decided: tuple[Outcome, ...]
    drawn: bool = False


def find_units(
    folder: Path,
    suffixes: Collection[str],
    partition: Partition = "train",
    person_of: Callable[[str], str | None] = lambda name: None,
) -> Layout:
    """A unit for every file under `folder` with one of these suffixes, sub-folders included.

    Where `VIDEO_SUFFIXES` are asked for, every file counts that FFmpeg opens as a video. A line says how many other
    files there are, and names some.

    Hidden files and folders are left out, and prepared datasets, which hold clips and no footage. A unit is called as
    its file; folders on the way to it are put before that with "--".

    Args:
        folder: of the footage.
        suffixes: lower case, with the dot.
        partition: of all units; `dividing` has the ways to divide them.
        person_of: who is seen, by the unit's name.

    Raises:
        InputError: no such folder, or no such file in it.
    """
    there, unreadable = _walk(folder)
    files, others = _divided(there, suffixes)
    if not files:
        wanted = ", ".join(sorted(suffixes))
        reason = f"; {unreadable[0]}" if unreadable else ""
        raise InputError(f"{folder}: no footage under this folder ({wanted}){reason}; name another with --footage")
    wanted = "video" if VIDEO_SUFFIXES.issubset(suffixes) else " or ".join(sorted(suffixes))
    left_out = left_out_line(folder, others, wanted)
    if left_out:
        click.echo(printable(left_out), err=True)
    units = []
    for file in files:
        name = "--".join(file.relative_to(folder).with_suffix("").parts)
        units.append(Unit(name, file, name, person_of(name), partition))
    return with_good_names(units, folder, [f"unreadable_folder: {reason}" for reason in unreadable])


def find_parts(folder: Path, suffixes: Collection[str]) -> Layout:
    """The units of the sub-folders train/ and test/ of `folder`.

    Raises:
        InputError: one of them is missing or holds no such file.
    """
    train = find_units(folder / "train", suffixes, "train")
    test = find_units(folder / "test", suffixes, "test")
    problems = [outcome.reason for outcome in (*train.decided, *test.decided)]
    return Layout(train.units + test.units, decided_problems(problems))


def with_good_names(units: Iterable[Unit], folder: Path, problems: Iterable[str] = ()) -> Layout:
    """The units whose names can name clips, each name of a partition once; the others are decided, after `problems`.

    Args:
        units: as they were found.
        folder: reasons name the files from here on, so that they are the same wherever the footage lies.
        problems: what is wrong beside, as "code: sentence".
    """
    good: dict[str, Unit] = {}
    problems = list(problems)
    for unit in units:
        problem = _problem(unit, good, folder)
        if problem is None:
            good[unit.key] = unit
        else:
            problems.append(problem)
    return Layout(tuple(good.values()), decided_problems(problems))


def decided_problems(problems: Iterable[str]) -> tuple[Outcome, ...]:
    """Outcomes for what cannot be searched, before all others in clips.csv."""
    return tuple(
        Outcome((-1, number), f"problem-{number}", "", {}, "failed", problem) for number, problem in enumerate(problems)
    )


def _divided(files: list[Path], suffixes: Collection[str]) -> tuple[list[Path], list[Path]]:
    """The files that are asked for, and those that somebody may miss."""
    if VIDEO_SUFFIXES.issubset(suffixes):
        return divide_files(files)
    wanted = [file for file in files if file.suffix.lower() in suffixes]
    media = VIDEO_SUFFIXES | PICTURE_SUFFIXES
    return wanted, [file for file in files if file.suffix.lower() in media.difference(suffixes)]


def _walk(folder: Path) -> tuple[list[Path], list[str]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such footage folder; name it with --footage")
    unreadable: list[str] = []

    def note(error: OSError) -> None:
        name = printable(str(Path(str(error.filename)).relative_to(folder)))
        unreadable.append(f"{name}: {error.strerror}; mend its permissions")

    files = []
    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if name[0] != "." and not _is_prepared(Path(parent, name)))
        files += [Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(files, key=by_name_and_container), unreadable


def _is_prepared(folder: Path) -> bool:
    """Whether a folder is a prepared dataset, or one in the making."""
    if (folder / FINISHED_FOLDER).is_dir():
        return True
    return (folder / TABLE).is_file() and (folder / DESCRIPTION).is_file()


def _problem(unit: Unit, good: dict[str, Unit], folder: Path) -> str | None:
    place = _place(unit, folder)
    try:
        parse_identifier(unit.video_id)
        if unit.person_id is not None:
            parse_identifier(unit.person_id)
        if unit.annotation is not None:
            parse_identifier(unit.annotation.stem)
    except ValueError as error:
        return f"bad_name: '{place}': {error}; rename it"
    if unit.key in good:
        return f"same_name: '{_place(good[unit.key], folder)}' and '{place}' make clips of one name; rename one"
    return None


def _place(unit: Unit, folder: Path) -> str:
    file = unit.annotation or unit.video
    return printable(unit.name if file is None else str(file.relative_to(folder)))


def divide(layout: Layout, partition_of: Callable[[Unit], Partition]) -> Layout:
    """The layout with the partition of every unit as `partition_of` says."""
    return replace(layout, units=tuple(replace(unit, partition=partition_of(unit)) for unit in layout.units))


def divide_by_share(layout: Layout, share: float) -> Layout:
    """About `share` of the persons for testing, or of the units where persons are unknown, drawn by their names.

    Where there are two of them at least, one tests and one trains, whatever the draw, unless the share is 0 or 1.
    """
    names = {unit.person_id or unit.name for unit in layout.units}
    tested = {name for name in names if draw(name) < share}
    is_drawn = 0 < share < 1
    if is_drawn and len(names) > 1:
        ordered = sorted(names, key=draw)
        tested = (tested | {ordered[0]}) - {ordered[-1]}
    divided = divide(layout, lambda unit: "test" if (unit.person_id or unit.name) in tested else "train")
    return replace(divided, drawn=is_drawn)


def divide_by_list(layout: Layout, test_list: Path) -> Layout:
    """The units for testing whose person or video a text file names, one a line.

    A video goes by its name with or without the suffix, as "a.mp4"; with the folders on the way to it, as "sub/a.mp4"
    or "sub--a", or without them, which means all of that name. Addresses end in the name. How many names are no
    footage here is said on standard error, since videos vanish.

    Raises:
        InputError: no such list, or none of its names is footage.
    """
    listed = read_names(test_list)
    known = {unit.key: _names(unit) for unit in layout.units}
    present = set[str]().union(*known.values())
    strange = sorted(name for name in listed if present.isdisjoint(_readings(name)))
    if strange:
        examples = printable(", ".join(strange[:SHOWN])) + (", ..." if len(strange) > SHOWN else "")
        if len(strange) == len(listed):
            raise InputError(f"{test_list}: none of its {len(listed)} names is footage here: {examples}")
        click.echo(f"{test_list}: {len(strange)} of its {len(listed)} names are no footage here: {examples}", err=True)
    readings = {reading for name in listed for reading in _readings(name)}
    return divide(layout, lambda unit: "train" if readings.isdisjoint(known[unit.key]) else "test")


def _names(unit: Unit) -> set[str]:
    """What a list may call a unit, as `_readings` gives it."""
    names = {unit.name, unit.name.rsplit("--", 1)[-1], *([unit.person_id] if unit.person_id else ())}
    return {same_name(name) for name in names}


def _readings(listed: str) -> set[str]:
    """What a line of a list may mean."""
    name = PurePosixPath(listed)
    plain = listed.removesuffix(name.suffix) if name.suffix.lower() in VIDEO_SUFFIXES else listed
    last = {plain.rsplit("/", 1)[-1]} if "://" in plain else set()
    return {same_name(name) for name in (listed, plain, plain.replace("/", "--"), *last)}
