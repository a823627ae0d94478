"""Experiments for a terminal, a pipe or a log: which there are, what they take, and measured beside published."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.experiments.requirements import Requirement
from lia_bench.leaderboards.experiments.schema import Experiment
from lia_bench.leaderboards.experiments.table import ComparedCell, ExperimentTable
from lia_bench.leaderboards.results.columns import arrow
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS

COLUMNS = ("experiment", "evaluation", "row", "metric", "published", "measured", "difference", "missing")


def print_requirements(experiment: Experiment, taken: Iterable[tuple[str, Sequence[Requirement]]]) -> None:
    """What each evaluation of an experiment takes, by its title, and what of that is here."""
    console = wide_console()
    _print_head(experiment)
    for title, found in taken:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in (title, "", ""):
            table.add_column(name, overflow="fold")
        for one in found:
            state = "missing" if one.missing else "here" if one.here else "not known"
            table.add_row(Text(one.what), state, Text(one.missing or one.here))
        console.print(table)


def print_tables(experiment: Experiment, tables: Sequence[ExperimentTable]) -> None:
    """A table an evaluation; what empty cells lack is numbered and told below."""
    console = wide_console()
    _print_head(experiment)
    for table in tables:
        reasons = list(dict.fromkeys(cell.missing for cell in table.cells if cell.measured is None))
        shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        shown.add_column("row", overflow="fold")
        for name in ("metric", "published", "measured", "difference"):
            shown.add_column(name, justify="left" if name == "metric" else "right", no_wrap=True)
        before = ""
        for cell in table.cells:
            empty = f"[{reasons.index(cell.missing) + 1}]" if cell.measured is None else ""
            cells = [cell.row if cell.row != before else "", f"{cell.metric} {arrow(cell.metric)}"]
            shown.add_row(*(Text(text) for text in (*cells, cell.published or "-", empty or measured(cell), off(cell))))
            before = cell.row
        console.print(Text(table.title, style="bold"), soft_wrap=True)
        if table.measured_on:
            console.print(Text(f"measured on {table.measured_on}", style="dim"), soft_wrap=True)
        console.print(shown)
        for number, reason in enumerate(reasons, start=1):
            console.print(Text(f"[{number}] {reason}", style="dim"), soft_wrap=True)
        console.print()


def _print_head(experiment: Experiment) -> None:
    console, content = wide_console(), experiment.content
    console.print(Text(f"{experiment.label}: {content.title}", style="bold"), soft_wrap=True)
    if content.published is not None:
        paper = PAPERS[content.published.paper]
        line = f"published: {paper.title}, table {content.published.table}; {NOT_COMPARABLE}"
        console.print(Text(line, style="dim"), soft_wrap=True)
    for line in content.remarks:
        console.print(Text(line, style="dim"), soft_wrap=True)


def measured(cell: ComparedCell) -> str:
    """The measured number with the digits it is worth; empty where there is none."""
    return "" if cell.measured is None else f"{cell.measured:.{cell.decimals}f}"


def off(cell: ComparedCell) -> str:
    """Measured minus published, with its sign; empty where one is not there."""
    return "" if cell.difference is None else f"{cell.difference:+.{cell.decimals}f}"


def as_csv(experiment: Experiment, tables: Sequence[ExperimentTable]) -> str:
    """The same as a CSV file's text, a line a cell."""
    rows = [
        dict(
            zip(
                COLUMNS,
                (
                    experiment.label,
                    table.title,
                    cell.row,
                    cell.metric,
                    cell.published,
                    measured(cell),
                    off(cell),
                    cell.missing,
                ),
                strict=True,
            )
        )
        for table in tables
        for cell in table.cells
    ]
    return write_table(COLUMNS, rows)
