"""What one row of results says, and what its columns and its name in tables are."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lia_bench.metrics.registry import METRICS, ordered
from lia_bench.metrics.specification import MetricSpecification

Origin = Literal["measured", "published"]


USER_STUDY = "user-study"
"""The task of rows whose columns are preferences of raters, `preference_vs_<model>_percent` and the like."""


@dataclass(frozen=True)
class ResultRow:
    """One line of a `leaderboard.csv`, or of the published results, which have the same columns and three more.

    Attributes:
        model: its name; what a paper calls it where it is published.
        variant, checkpoint, dataset, split, task, transfer: as in the columns; empty where nothing is said.
        values: column to number, only where there is one.
        intervals: column to the 95 % interval of the number, only where there is one.
        printed: column to the number's text in the file, so that a paper's 0.120 stays 0.120.
        counts: metric to the frames that were scored and those that were left out since nothing was found there.
        clips, frames: how many are behind the numbers; None where nothing is said.
        fps: rendered frames a second; None where nothing is said.
        protocol, extractors, dataset_hash, checkpoint_sha256, seed, device, version, date: provenance.
        origin: 'measured' or 'published'.
        paper, table, note: of a published row; empty otherwise.
        file: the file that it was read from.
    """

    model: str
    variant: str
    checkpoint: str
    dataset: str
    split: str
    task: str
    transfer: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    printed: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    clips: int | None = None
    frames: int | None = None
    fps: float | None = None
    protocol: str = ""
    extractors: str = ""
    dataset_hash: str = ""
    checkpoint_sha256: str = ""
    seed: str = ""
    device: str = ""
    version: str = ""
    date: str = ""
    origin: Origin = "measured"
    paper: str = ""
    table: str = ""
    note: str = ""
    file: Path | None = None


Better = Literal["lower", "higher"]

SPEED = "fps"
AGAINST_ONE = re.compile(r"preference_vs_.+_percent")
"""How many per cent of the answers preferred the row's model to one other."""
AMONG_ALL = re.compile(r"selected_best_.+_percent")
"""How many per cent of the answers chose the row's model among all that were shown."""


def is_score(column: str) -> bool:
    """Whether a column holds numbers to compare: a metric, the speed, or a preference of raters."""
    return column == SPEED or _is_preference(column) or _metric(column) is not None


def better(column: str) -> Better:
    """Which values of a score's column are better.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    return "higher" if column == SPEED or _is_preference(column) else _known(column).better


def decimals(column: str) -> int:
    """Digits after the point that a printed table gives a measured value of a score's column.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    return 1 if column == SPEED or _is_preference(column) else _known(column).decimals


def arrow(column: str) -> str:
    """'↓' where lower values are better, '↑' where higher ones are."""
    return "↓" if better(column) == "lower" else "↑"


def number(row: ResultRow, column: str) -> float | None:
    """A row's value of a score's column, the speed among them; None where it has none."""
    return row.fps if column == SPEED else row.values.get(column)


def printed(row: ResultRow, column: str) -> str:
    """The text of a cell: of a published number the paper's, of a measured one with the digits it is worth.

    Empty where the row has none.
    """
    value = number(row, column)
    if value is None:
        return ""
    if row.origin == "published" and column in row.printed:
        return row.printed[column]
    return f"{value:.{decimals(column)}f}"


def present(rows: Iterable[ResultRow]) -> list[str]:
    """Every score's column in which some row has a value: metrics in the order of results, preferences, speed."""
    rows = list(rows)
    found = list(dict.fromkeys(column for row in rows for column in row.values))
    metrics = ordered(column for column in found if not _is_preference(column))
    preferences = [column for column in found if _is_preference(column)]
    return [*metrics, *preferences, *([SPEED] if any(row.fps is not None for row in rows) else [])]


def is_against_one(column: str) -> bool:
    """Whether a column holds preferences of the row's model to one other."""
    return AGAINST_ONE.fullmatch(column) is not None


def _is_preference(column: str) -> bool:
    return is_against_one(column) or AMONG_ALL.fullmatch(column) is not None


def _metric(column: str) -> MetricSpecification | None:
    """The definition of that id, or any that the plain name may mean: they all agree on what is better."""
    if column in METRICS:
        return METRICS[column]
    return next((metric for metric in METRICS.values() if metric.alias == column), None)


def _known(column: str) -> MetricSpecification:
    # An unknown name gets the registry's own message, with what may have been meant.
    return _metric(column) or METRICS[column]


def labels(rows: Sequence[ResultRow]) -> list[str]:
    """A name for each row, unique among them unless two rows are alike in everything.

    Measured rows are called by the model; its variant, checkpoint, the checkpoint's hash, transfer and date come behind
    it only where namesakes differ in them. Published rows are called as their paper calls them, with the note.
    """
    names = [printed_name(row) if row.origin == "published" else row.model for row in rows]
    if len(set(names)) == len(names):
        return names
    for parts in zip(*(_parts(row) for row in rows), strict=True):
        clashes = Counter(names)
        different = {name: len(set(_of(name, names, parts))) > 1 for name in clashes}
        names = [name + part if different[name] else name for name, part in zip(names, parts, strict=True)]
    return names


def printed_name(row: ResultRow) -> str:
    """What a paper calls a row: the model, and its variant where there is one."""
    return f"{row.model} {row.variant}".strip()


def _parts(row: ResultRow) -> list[str]:
    """What may come behind the name, in this order."""
    if row.origin == "published":
        note = f" ({row.note})" if row.note else ""
        return [note, "", "", f" ({row.paper} {row.table})", ""]
    return [
        f":{row.variant}" if row.variant else "",
        f"@{row.checkpoint}" if row.checkpoint else "",
        f"#{row.checkpoint_sha256[:8]}" if row.checkpoint_sha256 else "",
        f" ({row.transfer})" if row.transfer else "",
        f" {row.date}" if row.date else "",
    ]


def _of(name: str, names: Sequence[str], parts: Sequence[str]) -> list[str]:
    return [part for other, part in zip(names, parts, strict=True) if other == name]
