"""One line of a leaderboard.csv: from text to a row."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar, cast

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.results.columns import SPEED, is_score
from lia_bench.leaderboards.results.csv_writing import WHERE, WHO
from lia_bench.leaderboards.results.rows import Origin, ResultRow

Number = TypeVar("Number", int, float)

DATE = "%Y-%m-%dT%H:%M:%SZ"
NEEDED = ("model", "dataset", "task")
"""Without these a row says nothing."""
PROVENANCE = ("protocol", "extractors", "dataset_hash", "checkpoint_sha256")
"""Without these nobody knows with what a row may be compared."""

TEXTS = (*WHO, *(column for column in WHERE if column != "origin"), *("paper", "table", "note"))
COUNTS = ("clips", "frames")
ENDINGS = ("_low", "_high", "_frames", "_missing")
"""Of columns that belong to a score's column."""
EXCHANGED = str.maketrans(",.", ".,")


def parse_row(cells: Mapping[str, str], file: Path, decimal_comma: bool) -> tuple[ResultRow, list[str]]:
    """The row that a line holds, and a line for each cell of it that is no number and was left out.

    Args:
        cells: column to stripped text.
        file: that they are from.
        decimal_comma: whether numbers have a comma for their point.

    Raises:
        InputError: the line has no model, or an unknown origin.
    """
    for column in NEEDED:
        if not cells[column]:
            raise InputError(f"has no {column}; left out")
    numbers = _Numbers(cells, decimal_comma)
    scores = [column for column in cells if column != SPEED and is_score(column)]
    values = {column: value for column in scores if (value := numbers.get(column)) is not None}
    row = ResultRow(
        **{column: cells.get(column, "") for column in TEXTS if column != "date"},
        date=_date(cells.get("date", ""), numbers.complaints),
        values=values,
        intervals=_pairs(numbers.get, values, "_low", "_high"),
        printed={column: cells[column].replace(",", ".") for column in values},
        counts=_pairs(numbers.count, scores, "_frames", "_missing"),
        clips=numbers.count("clips"),
        frames=numbers.count("frames"),
        fps=numbers.get(SPEED),
        origin=_origin(cells.get("origin", "")),
        file=file,
    )
    return row, numbers.complaints


def unknown_columns(columns: Iterable[str]) -> list[str]:
    """Those that are no column of results here: of a metric that is not installed, or somebody's own."""
    columns = list(columns)
    known = {*TEXTS, *COUNTS, "origin", ""}
    others = [column for column in columns if column not in known and not is_score(column)]
    # What belongs to a column shares its fate, so that it need not be named.
    return [column for column in others if _without_ending(column) not in columns]


class _Numbers:
    """The numbers in a line's cells, and what is to be said of those that are none."""

    def __init__(self, cells: Mapping[str, str], decimal_comma: bool) -> None:
        self._cells = cells
        self._decimal_comma = decimal_comma
        self.complaints: list[str] = []

    def get(self, column: str) -> float | None:
        """A cell's number; None where it is empty, absent or no finite number."""
        text = self._cells.get(column, "")
        if not text:
            return None
        try:
            # Where commas are decimal, a point stands between thousands.
            value = float(text.translate(EXCHANGED) if self._decimal_comma else text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        self.complaints.append(f"{column} is '{text[:20]}', which is no number; left out")
        return None

    def count(self, column: str) -> int | None:
        """A cell's whole number; None where it is empty, absent or none."""
        value = self.get(column)
        if value is None:
            return None
        if value >= 0 and value.is_integer():
            return int(value)
        self.complaints.append(f"{column} is '{self._cells[column][:20]}', which is no count; left out")
        return None


def _pairs(
    number: Callable[[str], Number | None], columns: Iterable[str], first: str, second: str
) -> dict[str, tuple[Number, Number]]:
    pairs = {column: (number(column + first), number(column + second)) for column in columns}
    return {column: (a, b) for column, (a, b) in pairs.items() if a is not None and b is not None}


def _date(text: str, complaints: list[str]) -> str:
    """The text, if dates can be compared by it: of what was measured twice, the newest is shown."""
    try:
        datetime.strptime(text, DATE)
    except ValueError:
        if text:
            complaints.append(f"date is '{text[:20]}', which is no date such as 2026-01-31T12:00:00Z; left out")
        return ""
    return text


def _origin(text: str) -> Origin:
    # Tables of the first versions had no origin, and none of them was published.
    if text in ("", "measured", "published"):
        return cast(Literal["measured", "published"], text or "measured")
    raise InputError(f"its origin is '{text[:20]}', neither measured nor published; left out")


def _without_ending(column: str) -> str:
    return next((column.removesuffix(ending) for ending in ENDINGS if column.endswith(ending)), column + "?")
