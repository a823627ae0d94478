"""What was measured beside what is published, cell by cell: worked out, printed, and as CSV."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from lia_bench.core.console import wide_console
from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.experiments.registry import Experiment
from lia_bench.leaderboards.experiments.requirements import Evaluation, Requirement, row_of_measurement
from lia_bench.leaderboards.results.columns import ResultRow, arrow, score
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.published import NOT_COMPARABLE, PAPERS
from lia_bench.leaderboards.results.report import Report


@dataclass(frozen=True)
class ComparedCell:
    """One number of one row.

    Attributes:
        row: its name.
        metric: the column.
        published: as the paper prints it; empty where it does not.
        measured: None where there is no number.
        missing: why there is none; empty where there is one.
    """

    row: str
    metric: str
    published: str
    measured: float | None
    missing: str

    @property
    def difference(self) -> float | None:
        """Measured minus published; None where one is not there."""
        if self.measured is None or not self.published:
            return None
        return self.measured - float(self.published)

    @property
    def decimals(self) -> int:
        """Digits after the point that a measured number is printed with."""
        return score(self.metric).decimals


@dataclass(frozen=True)
class ExperimentTable:
    """One evaluation.

    Attributes:
        title: dataset, task and arrangement.
        measured_on: the dataset that was here, its size, clips and hash; empty where nothing was measured.
        cells: a row after the other.
    """

    title: str
    measured_on: str
    cells: tuple[ComparedCell, ...]


def side_by_side(
    evaluation: Evaluation,
    report: Report | None,
    checkpoints: Mapping[str, str],
    missing: Mapping[str, str],
    reason: str,
) -> ExperimentTable:
    """The table of an evaluation.

    Args:
        report: what was measured; None where nothing could be.
        checkpoints: names of rows by the checkpoints that were chosen for them.
        missing: names of rows, and of models that are in none, to the reason why nothing was measured.
        reason: why nothing could be measured at all.
    """
    by_row: dict[str, Measurement] = {}
    others: list[Measurement] = []
    for one in measurements(report) if report else ():
        row = row_of_measurement(one, checkpoints, evaluation.rows)
        if row is None:
            others.append(one)
        elif row.name not in by_row or one.date >= by_row[row.name].date:
            by_row[row.name] = one
    cells: list[ComparedCell] = []
    for row, published in zip(evaluation.rows, evaluation.published, strict=True):
        why = "; ".join(filter(None, (reason, missing.get(row.name)))) or "not evaluated"
        cells += _cells(evaluation, row.name, published, by_row.get(row.name), why)
    for one in others:
        cells += _cells(evaluation, one.label, None, one, "")
    for name in missing:
        if name not in [row.name for row in evaluation.rows]:
            cells += _cells(evaluation, name, None, None, missing[name])
    return ExperimentTable(evaluation.title, _measured_on(report, [*by_row.values(), *others]), tuple(cells))


def _cells(
    evaluation: Evaluation, name: str, published: ResultRow | None, one: Measurement | None, why: str
) -> list[ComparedCell]:
    metrics = dict.fromkeys([*evaluation.part.metrics, *(published.printed if published else ())])
    cells = []
    for metric in metrics:
        printed = published.printed.get(metric, "") if published else ""
        if one is not None and metric in one.metrics():
            value = one.value(metric)
            cells.append(ComparedCell(name, metric, printed, value, one.cell(metric).reason or ""))
        elif one is not None:
            cells.append(ComparedCell(name, metric, printed, None, "the experiment does not measure it"))
        else:
            cells.append(ComparedCell(name, metric, printed, None, why))
    # A paper that says nothing of a metric for a row asks for nothing.
    return [cell for cell in cells if cell.published or cell.measured is not None or published is None]


def _measured_on(report: Report | None, found: list[Measurement]) -> str:
    if report is None or not found:
        return ""
    setting = report.setting
    clips = max(len(one.clips) for one in found)
    return f"{setting.dataset} at {setting.width}x{setting.height}, {clips} clips, dataset {setting.dataset_hash[:12]}"


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
