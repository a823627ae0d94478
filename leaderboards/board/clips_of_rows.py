"""The clips behind rows of leaderboards."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow, labels
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import MetricMeaning
from lia_bench.leaderboards.results.report_file import REPORT, read_report

Reports = dict[Path, list[Measurement] | str]
"""Folder of results to all that its report has measured, or to why there is nothing."""


@dataclass(frozen=True)
class Contestant:
    """A row's clips, and what tables call it."""

    label: str
    measurement: Measurement

    def meaning(self, metric: str) -> MetricMeaning:
        """What the run's plan says that a metric means."""
        return self.measurement.run.plan.metrics[metric]


def contestants(rows: Sequence[ResultRow], reports: Reports | None = None) -> tuple[list[Contestant], list[str]]:
    """The clips of each row, from the report beside its file; and why rows have none, a line each.

    Args:
        rows: of leaderboards.
        reports: those that were read before; what is read now is added.
    """
    reports = {} if reports is None else reports
    found, problems = [], []
    for row, label in zip(rows, labels(rows), strict=True):
        if row.origin == "published" or row.file is None:
            problems.append(f"{label}: not ranked, a published number has no clips")
            continue
        if row.task == USER_STUDY:
            problems.append(f"{label}: not ranked, raters judged pairs of videos")
            continue
        folder = row.file.parent
        if folder not in reports:
            reports[folder] = _read(folder)
        own = reports[folder]
        if isinstance(own, str):
            problems.append(f"{label}: not ranked, {own}")
        elif measurement := of_row(row, own):
            found.append(Contestant(label, measurement))
        else:
            problems.append(f"{label}: not ranked, {folder / REPORT} has no such model on this task")
    return found, problems


def measured_in(folder: Path) -> list[Measurement]:
    """All that the report of a results folder has measured.

    Raises:
        InputError: there is no report, or it is damaged.
    """
    if not (folder / REPORT).is_file():
        raise InputError(f"there is no {REPORT} beside its table in {folder}; copy the whole folder of results")
    return measurements(read_report(folder))


def of_row(row: ResultRow, measured: Sequence[Measurement]) -> Measurement | None:
    """The row's own among what was measured; the newest of those that differ in nothing a row says."""
    key = (row.model, row.variant, row.checkpoint_sha256, row.task, row.transfer)
    alike = [
        one
        for one in measured
        if (one.model.model, one.model.variant, one.model.checkpoint_sha256, one.task, one.own_transfer) == key
    ]
    return max(alike, key=lambda one: one.date, default=None)


def _read(folder: Path) -> list[Measurement] | str:
    """All models of a report, or why there are none."""
    try:
        return measured_in(folder)
    except InputError as error:
        return str(error)
