"""The tables of papers, in their shape: a row a method, a column a dataset and metric."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.leaderboards.board.groups import comparable
from lia_bench.leaderboards.printing.terminal import marked_cell
from lia_bench.leaderboards.results.columns import ResultRow, arrow, printed_name
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS


@dataclass(frozen=True)
class _Column:
    dataset: str
    task: str
    score: str


def print_published(rows: Sequence[ResultRow], scores: Sequence[str]) -> None:
    """Print published rows to standard output, a table of a paper after the other; `*` marks the best of a column.

    A table that is wider than the terminal is cut into one for each dataset, and then for each task.

    Args:
        rows: published ones.
        scores: columns of scores to show, in order.
    """
    console = wide_console()
    for paper, number in dict.fromkeys((row.paper, row.table) for row in rows):
        own = [row for row in rows if (row.paper, row.table) == (paper, number)]
        console.print(Text(f"{PAPERS[paper].title}, table {number}", style="bold"), soft_wrap=True)
        for piece in _pieces(console, own, scores):
            console.print(_table(piece, scores))
        for line in _remarks(own):
            console.print(Text(line, style="dim"), soft_wrap=True)
        console.print(Text(PAPERS[paper].measured, style="dim"), soft_wrap=True)
        console.print()
    console.print(Text(NOT_COMPARABLE, style="dim"), soft_wrap=True)


def _pieces(console: Console, rows: Sequence[ResultRow], scores: Sequence[str]) -> list[list[ResultRow]]:
    """The rows in as few tables as the console has room for."""
    cuts: tuple[Callable[[ResultRow], str], ...] = (
        lambda row: "",
        lambda row: row.dataset,
        lambda row: f"{row.dataset} {row.task}",
    )
    for cut in cuts:
        pieces: dict[str, list[ResultRow]] = {}
        for row in rows:
            pieces.setdefault(cut(row), []).append(row)
        if all(_width(console, _table(piece, scores)) <= console.width for piece in pieces.values()):
            break
    return list(pieces.values())


def _width(console: Console, table: Table) -> int:
    # Otherwise the answer is never more than the console has.
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum


def _table(rows: Sequence[ResultRow], scores: Sequence[str]) -> Table:
    columns = _columns(rows, scores)
    datasets, tasks = {column.dataset for column in columns}, {column.task for column in columns}
    alike = [of.pop() for of in (set(datasets), set(tasks)) if len(of) == 1]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=", ".join(alike), title_justify="left")
    table.add_column("method", overflow="fold", vertical="bottom")
    for column in columns:
        over = [column.dataset] * (len(datasets) > 1) + [column.task] * (len(tasks) > 1)
        # A preference's name is wider than all its numbers.
        name = column.score.replace("_vs_", " vs\n").replace("_percent", " %").replace("selected_best_", "best\n")
        if name.endswith("_score"):
            name = name.replace("_", "\n")
        table.add_column("\n".join([*over, f"{name} {arrow(column.score)}"]), justify="right", no_wrap=True)
    best = _best(rows, columns)
    methods: dict[str, list[ResultRow]] = {}
    for row in rows:
        methods.setdefault(_method(row, rows), []).append(row)
    for method, own in methods.items():
        table.add_row(Text(method), *(_cell(own, column, best) for column in columns))
    return table


def _cell(rows: Sequence[ResultRow], column: _Column, best: set[tuple[int, _Column]]) -> Text:
    for row in rows:
        if (row.dataset, row.task) == (column.dataset, column.task) and column.score in row.printed:
            return marked_cell(row.printed[column.score], "best" if (id(row), column) in best else "")
    return marked_cell("", "")


def _best(rows: Sequence[ResultRow], columns: Sequence[_Column]) -> set[tuple[int, _Column]]:
    found = set()
    for group in comparable(rows):
        for column in columns:
            if (column.dataset, column.task) == (group.setting["dataset"], group.setting["task"]):
                marks = zip(group.rows, group.marks(column.score), strict=True)
                found |= {(id(row), column) for row, marked in marks if marked == "best"}
    return found


def _columns(rows: Sequence[ResultRow], scores: Sequence[str]) -> list[_Column]:
    """Dataset by dataset, task by task, those that have a number."""
    return [
        _Column(dataset, task, score)
        for dataset, task in dict.fromkeys((row.dataset, row.task) for row in rows)
        for score in scores
        if any((row.dataset, row.task) == (dataset, task) and score in row.printed for row in rows)
    ]


def _method(row: ResultRow, rows: Sequence[ResultRow]) -> str:
    """What a line is of. A note that tells no two rows apart may be on one dataset alone, and is below the table."""
    name = printed_name(row)
    places = [(other.dataset, other.task) for other in rows if printed_name(other) == name]
    return f"{name} ({row.note})" if row.note and len(places) > len(set(places)) else name


def _remarks(rows: Sequence[ResultRow]) -> Iterator[str]:
    notes: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.note and not _method(row, rows).endswith(f"({row.note})"):
            notes.setdefault((printed_name(row), row.note), []).append(row.dataset)
    lines: dict[tuple[str, str], list[str]] = {}
    for (name, note), datasets in notes.items():
        own = {row.dataset for row in rows if printed_name(row) == name}
        where = "" if own == set(datasets) else f" on {', '.join(dict.fromkeys(datasets))}"
        lines.setdefault((where, note), []).append(name)
    for (where, note), names in lines.items():
        yield f"{', '.join(names)}{where}: {note}"
