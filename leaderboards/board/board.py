"""One leaderboard from any number of results folders, and what papers print beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.board.groups import Group, comparable, differences, labels
from lia_bench.leaderboards.results.columns import (
    COLUMNS,
    ResultRow,
    better,
    is_doubtful,
    is_score,
    names_of,
    number,
    present,
    printed,
)
from lia_bench.leaderboards.results.csv_reading import read_results
from lia_bench.leaderboards.results.published import published_rows

Wanted = Mapping[str, Sequence[str]]
"""Column of text to the values that rows may have there; a model may be `name:variant`."""


@dataclass(frozen=True)
class View:
    """What to show of rows.

    Attributes:
        wanted: filters.
        metrics: columns of scores to show; None for all.
        sort: column that the rows of a group are sorted by; None leaves them in the order of the files.
        group: column of text whose values get a table each; None for none.
    """

    wanted: Wanted = field(default_factory=dict)
    metrics: Sequence[str] | None = None
    sort: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Board:
    """Groups in the order they are to be shown.

    Attributes:
        groups: each a ranking of its own.
        published: for each group the published rows that stand beside it, never ranked with it.
        columns: of scores, in order.
        differences: what tells groups apart; a line each.
        remarks: what was measured twice with other numbers, and beside what nothing was published; a line each.
        problems: what was left out or is doubtful; a line each.
        folders: of the files that rows were read from.
    """

    groups: tuple[Group, ...]
    published: tuple[tuple[ResultRow, ...], ...]
    columns: tuple[str, ...]
    differences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()

    def apart(self) -> list[Group]:
        """Every group, followed by the tables of papers that stand beside it, as groups of their own."""
        pairs = zip(self.groups, self.published, strict=True)
        return [own for group, rows in pairs for own in (group, *comparable(rows))]


def measured_board(paths: Iterable[Path], view: View = View(), with_published: bool = False) -> Board:
    """What results say: merged, filtered, and in groups that may be ranked.

    Args:
        paths: as of `read_results`.
        view: what to show.
        with_published: whether published rows of the same dataset and task stand beside each group.

    Raises:
        InputError: no row that can be read.
        UnknownNameError: a filter, metric or column that no row has.
    """
    rows, problems = read_results(paths)
    if not rows:
        raise InputError("; ".join(problems) or "no results to show: name a folder that `evaluate` wrote")
    merged = merge(rows)
    # Papers are asked for beside the measured rows, which have none.
    own = {column: values for column, values in view.wanted.items() if column not in ("paper", "table")}
    board = _board(select(merged.rows, own), view)
    folders = tuple(dict.fromkeys(row.file.parent for row in rows if row.file is not None))
    board = replace(board, remarks=merged.conflicts, problems=tuple(problems), folders=folders)
    return _with_published(board, view) if with_published else board


def published_board(view: View) -> Board:
    """What papers print.

    Raises:
        UnknownNameError: a filter, metric or column that no row has.
    """
    return _board(select(published_rows(), view.wanted), view)


def _with_published(board: Board, view: View) -> Board:
    """A board with the published rows of the same dataset and task beside each group."""
    everywhere = {column: values for column, values in view.wanted.items() if column in ("model", "paper", "table")}
    published = matching(published_rows(), everywhere)
    by_group = [tuple(beside(group, published, board.columns)) for group in board.groups]
    without = [group.title for group, rows in zip(board.groups, by_group, strict=True) if not rows]
    nothing = dict.fromkeys(f"nothing published with these columns beside {title}" for title in without)
    return replace(board, published=tuple(by_group), remarks=(*board.remarks, *nothing))


def _board(rows: Sequence[ResultRow], view: View) -> Board:
    if not rows:
        raise InputError("no row has all that is asked for: leave out one of the filters")
    groups = comparable(rows)
    if view.group is not None:
        groups = cut(groups, view.group)
    told_apart = differences(groups)
    columns = present(rows)
    if view.sort is not None and is_score(view.sort) and view.sort not in columns:
        raise UnknownNameError(unknown("column with values", view.sort, columns))
    if view.metrics is not None:
        for name in view.metrics:
            if not is_score(name) or name not in columns:
                raise UnknownNameError(unknown("metric", name, columns))
        columns = list(dict.fromkeys(view.metrics))
    if view.sort is not None:
        groups = [by_column(group, view.sort) for group in groups]
    return Board(tuple(groups), tuple(() for _ in groups), tuple(columns), tuple(told_apart))


@dataclass(frozen=True)
class Merged:
    """Rows, each thing measured once, and a line for each that was measured again with other numbers."""

    rows: tuple[ResultRow, ...]
    conflicts: tuple[str, ...]


def merge(rows: Iterable[ResultRow]) -> Merged:
    """Keep the newest of rows that measure the same: one ranking's rows of one model, variant, checkpoint and transfer.

    A row of fewer clips, another protocol or another extractor measures something else, and stays beside it. Of rows
    with the same date the one that comes last is kept. A conflict is a number that a table would print differently.
    """
    rows = list(rows)
    kept: set[int] = set()
    conflicts: list[str] = []
    for group in comparable(rows):
        measured: dict[tuple[str, ...], list[ResultRow]] = {}
        for row in group.rows:
            measured.setdefault(_identity(row), []).append(row)
        for same in measured.values():
            *others, shown = sorted(same, key=lambda row: (not row.doubtful, row.date))
            kept.add(id(shown))
            conflicts += [line for row in others for line in _conflict(group, row, shown)]
    return Merged(tuple(row for row in rows if id(row) in kept), tuple(dict.fromkeys(conflicts)))


def _identity(row: ResultRow) -> tuple[str, ...]:
    # A table that somebody edited may lack hashes; a paper may have two rows that only the note tells apart.
    return (row.model, row.variant, row.checkpoint_sha256 or row.checkpoint, row.transfer, row.note)


def _conflict(group: Group, other: ResultRow, shown: ResultRow) -> Iterator[str]:
    both = [metric for metric in other.values if metric in shown.values]
    different = [metric for metric in both if printed(other, metric) != printed(shown, metric)]
    lost = [metric for metric in other.values if metric not in shown.values]
    parts = [f"{metric} {printed(other, metric)}, now {printed(shown, metric)}" for metric in different]
    parts += [f"{metric} {printed(other, metric)}, now none" for metric in lost]
    if parts:
        where = f"{other.file} of {other.date or 'no date'} and {shown.file} of {shown.date or 'no date'}"
        which = "the one without doubts" if other.doubtful and not shown.doubtful else "the newest"
        yield f"{labels([shown])[0]}, {group.title}: measured twice, {'; '.join(parts)} ({where}); {which} is shown"


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
    """A group with its rows by a column: scores from the best, counts and text upwards.

    Rows with a doubtful score come after the others, and last those without a value.

    Raises:
        UnknownNameError: no such column.
    """
    if column in names_of("text"):
        return replace(
            group, rows=tuple(sorted(group.rows, key=lambda row: (not _text(row, column), _text(row, column))))
        )
    if column in names_of("count"):
        counts = {id(row): getattr(row, column) for row in group.rows}
        by_count = sorted(group.rows, key=lambda row: (counts[id(row)] is None, counts[id(row)]))
        return replace(group, rows=tuple(by_count))
    if not is_score(column):
        raise UnknownNameError(unknown("column", column, _columns([group])))
    sign = 1 if better(column) == "lower" else -1
    values = {id(row): number(row, column) for row in group.rows}
    with_value = [row for row in group.rows if values[id(row)] is not None]
    without = [row for row in group.rows if values[id(row)] is None]
    with_value.sort(key=lambda row: (is_doubtful(row, column), sign * (values[id(row)] or 0.0)))
    return replace(group, rows=(*with_value, *without))


def cut(groups: Sequence[Group], column: str) -> list[Group]:
    """Every group in as many as its rows have values in a column of text, each with that value in its setting.

    Raises:
        UnknownNameError: no such column of text.
    """
    if column not in names_of("text"):
        raise UnknownNameError(unknown("column to group by", column, names_of("text")))
    pieces = []
    for group in groups:
        by_value: dict[str, list[ResultRow]] = {}
        for row in group.rows:
            by_value.setdefault(_text(row, column), []).append(row)
        pieces += [
            replace(group, rows=tuple(rows), cut={**group.cut, column: value}) for value, rows in by_value.items()
        ]
    return pieces


def _columns(groups: Iterable[Group]) -> set[str]:
    return {*COLUMNS, *(name for group in groups for row in group.rows for name in row.values)}


def _texts(row: ResultRow, column: str) -> set[str]:
    text = _text(row, column)
    return {text, f"{text}:{row.variant}"} if column == "model" else {text}


def _text(row: ResultRow, column: str) -> str:
    text: str = getattr(row, column)
    return text
