"""What was measured beside what is published, cell by cell, with what is missing where a cell is empty."""

from collections.abc import Mapping
from dataclasses import dataclass

from lia_bench.leaderboards.experiments.checkpoints import row_of_measurement
from lia_bench.leaderboards.experiments.requirements import Evaluation
from lia_bench.leaderboards.results.columns import ResultRow, score
from lia_bench.leaderboards.results.measurement import Measurement, measurements
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
