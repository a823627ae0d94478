"""Which units of a layout are kept for testing, where neither folders nor a publication say it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import click

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.preprocessing.clip_table import printable
from lia_bench.preprocessing.layouts import Layout, Partition
from lia_bench.preprocessing.plan import read_names
from lia_bench.preprocessing.recipes.partitions import partition_by_share
from lia_bench.preprocessing.searching import Unit

SHOWN = 3
"""Names that a remark gives as examples."""


def divide(layout: Layout, partition_of: Callable[[Unit], Partition]) -> Layout:
    """The layout with the partition of every unit as `partition_of` says."""
    return replace(layout, units=tuple(replace(unit, partition=partition_of(unit)) for unit in layout.units))


def divide_by_share(layout: Layout, share: float) -> Layout:
    """About `share` of the persons for testing, or of the units where persons are unknown, drawn by their names."""
    return divide(layout, lambda unit: partition_by_share(unit.person_id or unit.name, share))


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
    return {unit.name, unit.name.rsplit("--", 1)[-1], *([unit.person_id] if unit.person_id else ())}


def _readings(listed: str) -> set[str]:
    """What a line of a list may mean."""
    name = PurePosixPath(listed)
    plain = listed.removesuffix(name.suffix) if name.suffix.lower() in VIDEO_SUFFIXES else listed
    last = {plain.rsplit("/", 1)[-1]} if "://" in plain else set()
    return {listed, plain, plain.replace("/", "--"), *last}
