"""Reads tables of results, whoever wrote or edited them: what can be read is, and of the rest a line says why not."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.text_files import SEPARATORS
from lia_bench.leaderboards.results.columns import (
    COLUMNS,
    LEADERBOARD,
    Origin,
    ResultRow,
    belongs_to,
    is_score,
    names_of,
    present,
    score,
)
from lia_bench.leaderboards.results.csv_writing import PER_CLIP
from lia_bench.leaderboards.results.sheet import Change, Sheet, number_in, read_sheet, recheck

Number = TypeVar("Number", int, float)
LISTED = 3
"""So many problems of one file are told line by line."""
NEEDED = ("model", "dataset", "task")
"""Without these a row says nothing."""
PROVENANCE = ("protocol", "extractors", "dataset_hash", "checkpoint_sha256")
"""Without these nobody knows with what a row may be compared."""
DOUBTFUL = "doubtful, and never the best"
WAY_OUT = "the same `lia-bench evaluate` again writes it anew"
DATE = "%Y-%m-%dT%H:%M:%SZ"


def read_results(paths: Iterable[Path]) -> tuple[list[ResultRow], list[str]]:
    """Every row of some results that can be read, and a line for each file, line or cell that cannot, or is doubtful.

    A file that a spreadsheet program wrote (semicolons or tabs, comma decimals) is read, and told of, since such
    programs round numbers and take 20.436 for 20436 where a point groups digits. A number that may be meant in two
    ways (1,320 among numbers with points, 1.320 among numbers with commas) is left out.

    Args:
        paths: files, folders with a leaderboard.csv, or folders of such folders.
    """
    rows: list[ResultRow] = []
    problems: list[str] = []
    for path in paths:
        for file in _files(path):
            try:
                # A table named by the user may lie behind any link.
                found, told = read_file(file if file == path else inner_file(file.parent, file.name))
            except InputError as error:
                problems.append(str(error))
            else:
                rows += found
                problems += told
    return rows, problems


def read_file(file: Path) -> tuple[list[ResultRow], list[str]]:
    """Every row of one file that can be read, and a line for each thing that cannot, or is doubtful.

    Raises:
        InputError: the file is not there, or no table of results at all.
    """
    sheet = read_sheet(file)
    _check_columns(file, sheet.columns)
    problems = list(_doubts(file, sheet))
    bounds = {column: score(column).bounds for column in sheet.columns if is_score(column)}
    checked = recheck(file, sheet)
    changes: dict[int | None, list[Change]] = {}
    for change in checked.changes:
        changes.setdefault(change.line, []).append(change)
    bad = []
    rows = []
    for number, cells in sheet.lines:
        try:
            if len(cells) != len(sheet.columns):
                raise InputError(f"{len(cells)} cells under {len(sheet.columns)} columns; left out")
            row, complaints = _row(dict(zip(sheet.columns, cells, strict=True)), file, sheet.decimal_comma, bounds)
        except InputError as error:
            bad.append(f"{file}: line {number}: {error}")
            continue
        own = changes.get(number, [])
        rows.append(_doubted(row, own))
        # Of a cell that was left out enough is said.
        told = {complaint.split(" ", 1)[0] for complaint in complaints}
        complaints += [f"{change.said}; {DOUBTFUL}" for change in own if change.column not in told]
        bad += [f"{file}: line {number}: {complaint}" for complaint in complaints]
    bad += [f"{file}: {change.said}; {WAY_OUT}" for change in changes.get(None, [])]
    of_clips = [f"{file.with_name(PER_CLIP)}: {_place(change)}{change.said}; {WAY_OUT}" for change in checked.of_clips]
    problems += [checked.problem] if checked.problem else []
    if not sheet.lines:
        problems.append(f"{file}: has columns but no rows: run the same `lia-bench evaluate` again")
    return rows, [*problems, *_shortened(bad, file), *_shortened(of_clips, file.with_name(PER_CLIP))]


def _shortened(lines: Sequence[str], file: Path) -> Sequence[str]:
    """At most LISTED lines of a file, and how many more there are."""
    more = len(lines) - LISTED
    return [*lines[:LISTED], f"{file}: {more} more cells or lines like these"] if more > 0 else lines


def _place(change: Change) -> str:
    return "" if change.line is None else f"line {change.line}: "


def _doubted(row: ResultRow, changes: Sequence[Change]) -> ResultRow:
    """A row that says which of its scores are doubtful: those that were changed, or all where something else was."""
    if not changes:
        return row
    changed = {belongs_to(change.column) for change in changes}
    scores = present([row])
    doubtful = [name for name in scores if name in changed or not all(map(is_score, changed))]
    return replace(row, doubtful=";".join(dict.fromkeys([*filter(None, row.doubtful.split(";")), *doubtful])))


def _files(path: Path) -> Iterator[Path]:
    """The tables that a path means: itself, or what is in the folder or one folder deeper."""
    if not path.is_dir():
        yield path
    elif (path / LEADERBOARD).exists():
        yield path / LEADERBOARD
    else:
        yield from sorted(path.glob(f"*/{LEADERBOARD}")) or [path / LEADERBOARD]


def _check_columns(file: Path, columns: list[str]) -> None:
    if {"clip", "source"} <= set(columns):
        raise InputError(f"{file}: has a row for each clip; name the {LEADERBOARD} beside it")
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise InputError(
            f"{file}: is no table of results, it has no column {', '.join(missing)}; "
            f"name a {LEADERBOARD} that `lia-bench evaluate` or `score` wrote"
        )
    twice = [column for column in dict.fromkeys(columns) if column and columns.count(column) > 1]
    if twice:
        raise InputError(f"{file}: has the column {twice[0]} twice; keep the one that is meant")


def _doubts(file: Path, sheet: Sheet) -> Iterator[str]:
    traces = [SEPARATORS[sheet.separator]] if sheet.separator != "," else []
    traces += ["comma decimals"] if sheet.decimal_comma else []
    if traces:
        yield (
            f"{file}: was saved by a spreadsheet program ({' and '.join(traces)}), which may have "
            "changed numbers; shown as it is, and the same `lia-bench evaluate` again writes it anew"
        )
    missing = [column for column in PROVENANCE if column not in sheet.columns]
    if missing:
        yield (
            f"{file}: has no column {', '.join(missing)} (written by another version or by hand); shown, but ranked "
            "only with rows that do not say it either"
        )
    strangers = unknown_columns(sheet.columns)
    if strangers:
        yield f"{file}: no metric is called {', '.join(strangers)} here (is a plug-in missing?); left out"


def _row(
    cells: Mapping[str, str], file: Path, decimal_comma: bool, bounds: Mapping[str, tuple[float, float]]
) -> tuple[ResultRow, list[str]]:
    """The row that a line holds, and a line for each cell of it that is no number and was left out.

    Args:
        cells: column to stripped text.
        file: that they are from.
        decimal_comma: whether numbers have a comma for their point.
        bounds: of each score's column what it can hold.

    Raises:
        InputError: the line has no model, or an unknown origin.
    """
    for column in NEEDED:
        if not cells[column]:
            raise InputError(f"has no {column}; left out")
    numbers = _Numbers(cells, decimal_comma, bounds)
    scores = [column for column in bounds if column not in COLUMNS]
    values = {column: value for column in scores if (value := numbers.get(column)) is not None}
    own: dict[str, Any] = {column: cells.get(column, "") for column in names_of("text")}
    own |= {column: numbers.count(column) for column in names_of("count")}
    own |= {column: numbers.get(column) for column in names_of("score")}
    if own["origin"] != "published":
        values = {column: value for column, value in values.items() if numbers.possible(column, value)}
        there = [name for name in names_of("score") if own[name] is not None]
        own |= {name: None for name in there if not numbers.possible(name, own[name])}
    own |= {"date": _date(own["date"], numbers.complaints), "origin": _origin(own["origin"])}
    if own["doubtful"] and own["origin"] != "published":
        numbers.complaints.append(f"{own['doubtful'][:40]} was doubtful where this table was made from; {DOUBTFUL}")
    row = ResultRow(
        **own,
        values=values,
        intervals=_pairs(numbers.get, values, "_low", "_high"),
        printed={column: cells[column].replace(",", ".") for column in values},
        counts=_pairs(numbers.count, scores, "_frames", "_missing"),
        file=file,
    )
    return row, numbers.complaints


def unknown_columns(columns: Iterable[str]) -> list[str]:
    """Those that are no column of results here: of a metric that is not installed, or somebody's own."""
    columns = list(columns)
    others = [column for column in columns if column and column not in COLUMNS and not is_score(column)]
    # What belongs to a column shares its fate, so that it need not be named.
    return [column for column in others if belongs_to(column) == column or belongs_to(column) not in columns]


class _Numbers:
    """The numbers in a line's cells, and what is to be said of those that are none."""

    def __init__(
        self, cells: Mapping[str, str], decimal_comma: bool, bounds: Mapping[str, tuple[float, float]]
    ) -> None:
        self._cells = cells
        self._decimal_comma = decimal_comma
        self._bounds = bounds
        self.complaints: list[str] = []

    def get(self, column: str) -> float | None:
        """A cell's number; None where it is empty, absent or no finite number."""
        text = self._cells.get(column, "")
        if not text:
            return None
        value = number_in(text, self._decimal_comma)
        if value is not None:
            return value
        self.complaints.append(f"{column} is '{text[:20]}', which is no number; left out")
        return None

    def possible(self, column: str, value: float) -> bool:
        """Whether a score can have been measured: it lies within what its column can hold."""
        low, high = self._bounds[column]
        if low <= value <= high:
            return True
        meant = f"from {low:g} to {high:g}" if math.isfinite(high) else f"at least {max(low, 0):g}"
        self.complaints.append(f"{column} is '{self._cells[column][:20]}', and can only be {meant}; left out")
        return False

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
