"""From rows of leaderboards to what was measured: the clips that the reports beside their tables keep."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import MetricMeaning
from lia_bench.leaderboards.results.report_file import REPORT, read_report

_Key: TypeAlias = tuple[str, str, str, str, str]
"""Model, variant, hash of the weights, task and transfer: what a row says of its measurement."""


@dataclass(frozen=True)
class MeasuredRow:
    """A row, and the measurement that its numbers are of.

    Attributes:
        place: of the row in its group.
        label: what tables call it.
        folder: of the results.
        measurement: all its clips.
    """

    place: int
    label: str
    folder: Path
    measurement: Measurement

    def meaning(self, metric: str) -> MetricMeaning:
        """What the run's plan says that a metric means."""
        return self.measurement.run.plan.metrics[metric]


class Reports:
    """The reports of results folders, each read once however many rows are of it.

    `problems` grows by a line for each that cannot be read.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._known: dict[Path, dict[_Key, Measurement] | str] = {}

    def behind(self, group: Group) -> tuple[list[MeasuredRow], list[tuple[str, str]]]:
        """What was measured of a group's rows; and the labels of others, each with the reason why there is nothing."""
        found, reasons = [], []
        for place, (row, label) in enumerate(zip(group.rows, group.labels, strict=True)):
            measurement = self._of(row)
            if isinstance(measurement, str):
                reasons.append((label, measurement))
            elif row.file is not None:
                found.append(MeasuredRow(place, label, row.file.parent, measurement))
        return found, reasons

    def _of(self, row: ResultRow) -> Measurement | str:
        """A row's measurement, or why it has none; the newest of those that differ in nothing a row says."""
        if row.origin == "published" or row.file is None:
            return "a published number has no clips"
        if row.task == USER_STUDY:
            return "raters judged it"
        folder = row.file.parent
        if folder not in self._known:
            self._known[folder] = self._read(folder)
        own = self._known[folder]
        if isinstance(own, str):
            return own
        key = (row.model, row.variant, row.checkpoint_sha256, row.task, row.transfer)
        return own.get(key, f"{folder / REPORT} has no such model on this task")

    def _read(self, folder: Path) -> dict[_Key, Measurement] | str:
        """What the report of a results folder has measured, the newest of what is alike; or why there is none."""
        try:
            if not (folder / REPORT).is_file():
                raise InputError(f"there is no {REPORT} beside its table in {folder}; copy the whole folder of results")
            newest: dict[_Key, Measurement] = {}
            for one in measurements(read_report(folder)):
                key = (one.model.model, one.model.variant, one.model.checkpoint_sha256, one.task, one.own_transfer)
                if key not in newest or one.date > newest[key].date:
                    newest[key] = one
            return newest
        except InputError as error:
            self.problems.append(str(error))
            return str(error)
