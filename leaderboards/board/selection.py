"""Which rows a table has, in what order: filters, sorting, groups cut into smaller ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import better, is_score, number
from lia_bench.leaderboards.results.rows import ResultRow

TEXTS = (
    *("model", "variant", "checkpoint", "dataset", "split", "task", "transfer", "protocol", "seed", "device"),
    *("version", "date", "paper", "table", "note"),
)
"""Columns of text, by which rows can be sorted and grouped."""

Wanted = Mapping[str, Sequence[str]]
"""Column of text to the values that rows may have there; a model may be `name:variant`."""


def select(rows: Iterable[ResultRow], wanted: Wanted) -> list[ResultRow]:
    """The rows that have one of the wanted values in every column that is named.

    Raises:
        UnknownNameError: no row has a value that is asked for.
    """
    rows = list(rows)
    for column, values in wanted.items():
        there = {text for row in rows for text in _texts(row, column)}
        for value in values:
            if value not in there:
                raise UnknownNameError(unknown(column, value, filter(None, there)))
    return matching(rows, wanted)


def matching(rows: Iterable[ResultRow], wanted: Wanted) -> list[ResultRow]:
    """As `select`, but a value that no row has is no error."""
    return [row for row in rows if all(not _texts(row, column).isdisjoint(values) for column, values in wanted.items())]


def beside(group: Group, published: Iterable[ResultRow], columns: Iterable[str]) -> list[ResultRow]:
    """The published rows of a group's task and dataset, whatever its size, that have a value in one of the columns."""
    columns = set(columns)
    of = group.setting
    return [
        row
        for row in published
        if row.task == of["task"]
        and (of["dataset"] == row.dataset or of["dataset"].startswith(f"{row.dataset}-"))
        and not columns.isdisjoint(row.values)
    ]


def by_column(group: Group, column: str) -> Group:
    """A group with its rows by a column: scores from the best, counts and text upwards, rows without a value last.

    Raises:
        UnknownNameError: no such column.
    """
    if column in TEXTS:
        return replace(
            group, rows=tuple(sorted(group.rows, key=lambda row: (not _text(row, column), _text(row, column))))
        )
    if column in ("clips", "frames"):
        counts = {id(row): getattr(row, column) for row in group.rows}
        by_count = sorted(group.rows, key=lambda row: (counts[id(row)] is None, counts[id(row)]))
        return replace(group, rows=tuple(by_count))
    if not is_score(column):
        raise UnknownNameError(unknown("column", column, _columns([group])))
    sign = 1 if better(column) == "lower" else -1
    values = {id(row): number(row, column) for row in group.rows}
    with_value = [row for row in group.rows if values[id(row)] is not None]
    without = [row for row in group.rows if values[id(row)] is None]
    return replace(group, rows=(*sorted(with_value, key=lambda row: sign * (values[id(row)] or 0.0)), *without))


def cut(groups: Sequence[Group], column: str) -> list[Group]:
    """Every group in as many as its rows have values in a column of text, each with that value in its setting.

    Raises:
        UnknownNameError: no such column of text.
    """
    if column not in TEXTS:
        raise UnknownNameError(unknown("column to group by", column, TEXTS))
    pieces = []
    for group in groups:
        by_value: dict[str, list[ResultRow]] = {}
        for row in group.rows:
            by_value.setdefault(_text(row, column), []).append(row)
        pieces += [
            replace(group, rows=tuple(rows), setting={**group.setting, column: value})
            for value, rows in by_value.items()
        ]
    return pieces


def _columns(groups: Iterable[Group]) -> set[str]:
    return {*TEXTS, "clips", "frames", "fps", *(name for group in groups for row in group.rows for name in row.values)}


def _texts(row: ResultRow, column: str) -> set[str]:
    text = _text(row, column)
    return {text, f"{text}:{row.variant}"} if column == "model" else {text}


def _text(row: ResultRow, column: str) -> str:
    text: str = getattr(row, column)
    return text
