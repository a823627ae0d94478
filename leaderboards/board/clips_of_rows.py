"""The clips behind rows of leaderboards."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow, labels
from lia_bench.leaderboards.results.csv_writing import Measurement, measurements
from lia_bench.leaderboards.results.measurement import describe_cell
from lia_bench.leaderboards.results.report import REPORT, Report

Reports = dict[Path, list[Measurement] | str]
"""Folder of results to all that its report has measured, or to why there is nothing."""


@dataclass(frozen=True)
class Contestant:
    """A row's clips, and what tables call it."""

    label: str
    measurement: Measurement

    def plan(self, metric: str) -> Mapping[str, Any]:
        """What the run's plan says that a metric means."""
        plan: Mapping[str, Any] = self.measurement.run["plan"]["metrics"][metric]
        return plan


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
    path = folder / REPORT
    if not path.is_file():
        raise InputError(f"there is no {REPORT} beside its table in {folder}; copy the whole folder of results")
    try:
        found = measurements(Report(folder).content)
        for measurement in found:
            _check(measurement)
    except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error})") from error
    return found


def of_row(row: ResultRow, measured: Sequence[Measurement]) -> Measurement | None:
    """The row's own among what was measured; the newest of those that differ in nothing a row says."""
    key = (row.model, row.variant, row.checkpoint_sha256, row.task, row.transfer)
    alike = [
        one
        for one in measured
        if (one.model["model"], one.model["variant"], one.model["checkpoint_sha256"], one.task, one.own_transfer) == key
    ]
    return max(alike, key=lambda one: max(clip["date"] for clip in one.clips), default=None)


def _check(measurement: Measurement) -> None:
    """Raise one of the errors of damaged data unless all that is taken from the clips is there."""
    for clip, result in zip(measurement.clips, measurement.results(), strict=True):
        for key, kind in (("clip", str), ("source", str), ("date", str), ("frames", int)):
            if not isinstance(clip[key], kind):
                raise TypeError(f"'{key}' of a clip is {clip[key]!r}")
        for metric, score in result["scores"].items():
            value = score.get("value")
            # Python writes numbers into JSON that nothing else reads.
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{metric} of {clip['clip']} is {value}")
    for metric in measurement.run["plan"]["metrics"] | measurement.run["unavailable"]:
        describe_cell(measurement, metric)


def _read(folder: Path) -> list[Measurement] | str:
    """All models of a report, or why there are none."""
    try:
        return measured_in(folder)
    except InputError as error:
        return str(error)
