"""Footage as the owners of datasets lay it out: what is found under a folder, and under which names."""

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import PARTITIONS
from lia_bench.preprocessing.metadata import parse_identifier
from lia_bench.preprocessing.outcome import Outcome
from lia_bench.preprocessing.searching import Unit

Partition = Literal["train", "test"]


@dataclass(frozen=True)
class Layout:
    """What a folder of footage holds.

    Attributes:
        units: one a file, in the order of their names.
        decided: what cannot be searched: folders nobody may read, and names that cannot name a clip.
    """

    units: tuple[Unit, ...]
    decided: tuple[Outcome, ...]


def find_units(
    folder: Path,
    suffixes: Collection[str],
    partition_of: Callable[[str, str | None], Partition],
    person_of: Callable[[str], str | None] = lambda name: None,
) -> Layout:
    """A unit for every file under `folder` with one of these suffixes, sub-folders included, hidden ones left out.

    A unit is called as its file; folders on the way to it are put before that with "--".

    Args:
        folder: of the footage.
        suffixes: lower case, with the dot.
        partition_of: the partition, by the unit's name and person.
        person_of: who is seen, by the unit's name.

    Raises:
        InputError: no such folder, or no such file in it.
    """
    files, unreadable = _walk(folder, suffixes)
    if not files:
        wanted = ", ".join(sorted(suffixes))
        reason = f"; {unreadable[0]}" if unreadable else ""
        raise InputError(f"{folder}: no footage under this folder ({wanted}){reason}; name another with --footage")
    units: dict[str, Unit] = {}
    problems = [f"unreadable_folder: {reason}" for reason in unreadable]
    for file in files:
        name = "--".join(file.relative_to(folder).with_suffix("").parts)
        problem = _problem(name, units)
        if problem:
            problems.append(problem)
        else:
            person = person_of(name)
            units[name] = Unit(name, file, name, person, partition_of(name, person))
    return Layout(tuple(units.values()), decided_problems(problems))


def find_parts(folder: Path, suffixes: Collection[str]) -> Layout:
    """The units of the sub-folders train/ and test/ of `folder`.

    Raises:
        InputError: one of them is missing or holds no such file.
    """
    units: list[Unit] = []
    decided: list[Outcome] = []
    for partition in PARTITIONS:
        part: Partition = "test" if partition == "test" else "train"
        layout = find_units(folder / partition, suffixes, lambda name, person, part=part: part)  # type: ignore[misc]
        units += layout.units
        decided += layout.decided
    return Layout(tuple(units), decided_problems([outcome.reason for outcome in decided]))


def decided_problems(problems: Iterable[str]) -> tuple[Outcome, ...]:
    """Outcomes for what cannot be searched, before all others in clips.csv."""
    return tuple(
        Outcome((-1, number), f"problem-{number}", "", {}, "failed", problem) for number, problem in enumerate(problems)
    )


def _walk(folder: Path, suffixes: Collection[str]) -> tuple[list[Path], list[str]]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such footage folder; name it with --footage")
    unreadable: list[str] = []

    def note(error: OSError) -> None:
        name = Path(str(error.filename)).relative_to(folder)
        unreadable.append(f"{name}: {error.strerror}; mend its permissions")

    files = []
    for parent, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(parent) / name for name in names if not name.startswith(".")]
    return sorted(file for file in files if file.suffix.lower() in suffixes), unreadable


def _problem(name: str, units: Collection[str]) -> str | None:
    try:
        parse_identifier(name)
    except ValueError as error:
        return f"bad_name: '{name}': {error}; rename the file"
    if name in units:
        return f"same_name: another file is called '{name}' too, with another suffix; rename one"
    return None
