"""Leaderboards for a terminal, a pipe or a log: a table a ranking, and what papers print below its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import parts, wide_console
from lia_bench.leaderboards.board.board import Board
from lia_bench.leaderboards.board.groups import DOUBT, NOT_SAID, Group, Mark, PrintedTable, printed_table, provenance
from lia_bench.leaderboards.results.columns import (
    COLUMNS,
    USER_STUDY,
    ResultRow,
    printed,
    printed_name,
    score,
)
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS

BEST = "*"

PUBLISHED = "published, as printed:"

_EDGES = "  "
"""What a table has at its borders, and between two columns."""


def print_board(board: Board, intervals: bool = False) -> None:
    """Print to standard output, a table a group; `*` marks the best measured value of a column, `?` a doubtful one.

    Args:
        board: what to print.
        intervals: whether the 95 % interval of each number stands below it.
    """
    console = wide_console()
    for number, (group, published) in enumerate(zip(board.groups, board.published, strict=True), start=1):
        table = printed_table(group, board.columns)
        place = f"table {number}, " if len(board.groups) > 1 and not group.about else ""
        console.print(Text(f"{place}{table.title}", style="bold"), soft_wrap=True)
        _print_in_parts(console, group, table, published, intervals)
        for line in _remarks(group, table.columns, table.labels) if group.remarks is None else group.remarks:
            console.print(Text(line, style="dim"), soft_wrap=True)
        for line in _remarks_on_published(published):
            console.print(Text(line, style="dim"), soft_wrap=True)
        console.print()
    for line in (*board.differences, *board.remarks):
        console.print(Text(line, style="bold yellow"), soft_wrap=True)


def marked_cell(text: str, mark: Mark) -> Text:
    """A cell with `*` before the best of its column, `?` behind a doubtful number, and '-' where there is none."""
    shown = text or "-"
    match mark:
        case "best":
            return Text(BEST + shown, style="bold green")
        case "doubtful":
            return Text(shown + DOUBT, style="yellow")
    return Text(shown)


def _print_in_parts(
    console: Console, group: Group, table: PrintedTable, published: Sequence[ResultRow], intervals: bool
) -> None:
    """The table, or where the terminal is too narrow, several below each other that all begin with the models."""
    names = max(len(label) for label in ("identity", *table.labels))
    scores = [
        max(
            len(f"{name} {arrow}"),
            *(len(f"{BEST}{row[place].number}") for row in table.cells),
            *(len(row[place].interval) for row in table.cells if intervals),
        )
        for place, (name, arrow) in enumerate(zip(table.columns, table.arrows, strict=True))
    ]
    transfers = {row.transfer for row in group.rows}
    beside = max(map(len, ("transfer", *transfers))) + len(_EDGES) if len(transfers) > 1 else 0
    room = console.width - 2 * len(_EDGES) - len("answers") - beside
    for part in parts([names, *scores], room, len(_EDGES)):
        own = [place - 1 for place in part[1:]]
        console.print(_table(group, _columns(table, own), published, intervals))


def _columns(table: PrintedTable, places: Sequence[int]) -> PrintedTable:
    return replace(
        table,
        columns=[table.columns[place] for place in places],
        arrows=[table.arrows[place] for place in places],
        cells=[[row[place] for place in places] for row in table.cells],
    )


def _table(group: Group, content: PrintedTable, published: Sequence[ResultRow], intervals: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold", min_width=len("identity"))
    transfers = len({row.transfer for row in group.rows}) > 1
    if transfers:
        table.add_column("transfer")
    for column, arrow in zip(content.columns, content.arrows, strict=True):
        table.add_column(f"{column} {arrow}", justify="right", no_wrap=True)
    table.add_column(content.counted, justify="right", no_wrap=True)
    for row, label, own in zip(group.rows, content.labels, content.cells, strict=True):
        cells = [marked_cell(cell.number, cell.mark) for cell in own]
        below = [f"\n{cell.interval}" if intervals and cell.interval else "" for cell in own]
        cells = [cell.append(line) for cell, line in zip(cells, below, strict=True)]
        table.add_row(Text(label), *([row.transfer] if transfers else []), *cells, _count(row))
    if published:
        table.add_row()
        table.add_row(Text(PUBLISHED, style="bold"))
    for row in published:
        cells = [marked_cell(printed(row, column), "") for column in content.columns]
        table.add_row(Text(_citation(row)), *([""] if transfers else []), *cells, _count(row), style="italic dim")
    return table


def _count(row: ResultRow) -> str:
    return "-" if row.clips is None else str(row.clips)


def _citation(row: ResultRow) -> str:
    return f"{printed_name(row)}{f', {row.note}' if row.note else ''} [{row.paper} {row.table}]"


def _remarks(group: Group, columns: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    yield from provenance(group, columns)
    for column in columns:
        alike = score(column).on_one
        if alike and not group.ranks(column):
            listed = _who_has(group, labels, alike)
            yield f"{column}: not ranked, measured on several {alike}s: {listed}"
    for column in columns:
        missing = {label: row.counts.get(column, (0, 0)) for row, label in zip(group.rows, labels, strict=True)}
        left_out = [f"{label} {count} of {valid + count}" for label, (valid, count) in missing.items() if count]
        if left_out:
            yield f"{column}: frames without a value left out: {', '.join(left_out)}"
    if len({row.version for row in group.rows}) > 1:
        yield f"measured by several versions of lia-bench: {_who_has(group, labels, 'version')}"
    empty = [
        column for column in columns if column not in COLUMNS and any(column not in row.values for row in group.rows)
    ]
    if empty and group.setting["task"] != USER_STUDY:
        yield f"empty cells of {', '.join(empty)}: report.json beside the table says why"


def _who_has(group: Group, labels: Sequence[str], column: str) -> str:
    """Each value of a column of text, and the rows that have it."""
    who: dict[str, list[str]] = {}
    for row, label in zip(group.rows, labels, strict=True):
        who.setdefault(getattr(row, column) or NOT_SAID, []).append(label)
    return "; ".join(f"{value} ({', '.join(rows)})" for value, rows in who.items())


def _remarks_on_published(rows: Sequence[ResultRow]) -> Iterator[str]:
    if rows:
        yield f"{NOT_COMPARABLE}:"
    for name in dict.fromkeys(row.paper for row in rows):
        yield f"  {name}: {PAPERS[name].title}; {PAPERS[name].measured}"
