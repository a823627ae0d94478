"""Leaderboards for a terminal, a pipe or a log: a table a ranking, and what papers print below its rows."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import NOT_SAID, Group
from lia_bench.leaderboards.printing.marks import marked_cell, printed_interval, provenance, shown
from lia_bench.leaderboards.results.columns import (
    COLUMNS,
    USER_STUDY,
    ResultRow,
    arrow,
    printed,
    printed_name,
    score,
)
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS

PUBLISHED = "published, as printed:"


def print_board(board: Board, intervals: bool = False) -> None:
    """Print to standard output, a table a group; `*` marks the best measured value of a column.

    Args:
        board: what to print.
        intervals: whether the 95 % interval of each number stands below it.
    """
    console = wide_console()
    for number, (group, published) in enumerate(zip(board.groups, board.published, strict=True), start=1):
        columns = shown(group, board.columns)
        place = f"table {number}, " if len(board.groups) > 1 and not group.about else ""
        console.print(Text(f"{place}{group.title}", style="bold"), soft_wrap=True)
        console.print(_table(group, published, columns, intervals))
        for line in _remarks(group, columns) if group.remarks is None else group.remarks:
            console.print(Text(line, style="dim"), soft_wrap=True)
        for line in _remarks_on_published(published):
            console.print(Text(line, style="dim"), soft_wrap=True)
        console.print()
    for line in (*board.differences, *board.remarks):
        console.print(Text(line, style="bold yellow"), soft_wrap=True)


def _table(group: Group, published: Sequence[ResultRow], columns: Sequence[str], intervals: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold", min_width=len("identity"))
    transfers = len({row.transfer for row in group.rows}) > 1
    if transfers:
        table.add_column("transfer")
    for column in columns:
        table.add_column(f"{column} {arrow(column)}", justify="right", no_wrap=True)
    table.add_column("answers" if group.setting["task"] == USER_STUDY else "clips", justify="right", no_wrap=True)
    marks = [group.marks(column) for column in columns]
    for place, (row, label) in enumerate(zip(group.rows, group.labels, strict=True)):
        is_best = [own[place] == "best" for own in marks]
        cells = [marked_cell(printed(row, column), best) for column, best in zip(columns, is_best, strict=True)]
        below = [printed_interval(row, column) if intervals else "" for column in columns]
        cells = [cell.append(f"\n{line}" if line else "") for cell, line in zip(cells, below, strict=True)]
        table.add_row(Text(label), *([row.transfer] if transfers else []), *cells, _count(row))
    if published:
        table.add_row()
        table.add_row(Text(PUBLISHED, style="bold"))
    for row in published:
        cells = [marked_cell(printed(row, column), False) for column in columns]
        table.add_row(Text(_citation(row)), *([""] if transfers else []), *cells, _count(row), style="italic dim")
    return table


def _count(row: ResultRow) -> str:
    return "-" if row.clips is None else str(row.clips)


def _citation(row: ResultRow) -> str:
    return f"{printed_name(row)}{f', {row.note}' if row.note else ''} [{row.paper} {row.table}]"


def _remarks(group: Group, columns: Sequence[str]) -> Iterator[str]:
    yield from provenance(group, columns)
    for column in columns:
        alike = score(column).on_one
        if alike and not group.ranks(column):
            listed = _who_has(group, alike)
            yield f"{column}: not ranked, measured on several {alike}s: {listed}"
    for column in columns:
        missing = {label: row.counts.get(column, (0, 0)) for row, label in zip(group.rows, group.labels, strict=True)}
        left_out = [f"{label} {count} of {valid + count}" for label, (valid, count) in missing.items() if count]
        if left_out:
            yield f"{column}: frames without a value left out: {', '.join(left_out)}"
    if len({row.version for row in group.rows}) > 1:
        yield f"measured by several versions of lia-bench: {_who_has(group, 'version')}"
    empty = [
        column for column in columns if column not in COLUMNS and any(column not in row.values for row in group.rows)
    ]
    if empty and group.setting["task"] != USER_STUDY:
        yield f"empty cells of {', '.join(empty)}: report.json beside the table says why"


def _who_has(group: Group, column: str) -> str:
    """Each value of a column of text, and the rows that have it."""
    who: dict[str, list[str]] = {}
    for row, label in zip(group.rows, group.labels, strict=True):
        who.setdefault(getattr(row, column) or NOT_SAID, []).append(label)
    return "; ".join(f"{value} ({', '.join(rows)})" for value, rows in who.items())


def _remarks_on_published(rows: Sequence[ResultRow]) -> Iterator[str]:
    if rows:
        yield f"{NOT_COMPARABLE}:"
    for name in dict.fromkeys(row.paper for row in rows):
        yield f"  {name}: {PAPERS[name].title}; {PAPERS[name].measured}"
