"""What stands behind rows of a table: the clips that the reports of their folders keep."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.leaderboards.board.clips_of_rows import measured_in, of_row
from lia_bench.leaderboards.results.columns import USER_STUDY, ResultRow
from lia_bench.leaderboards.results.measurement import Measurement


@dataclass(frozen=True)
class Behind:
    """A row's folder of results, and its measurement there."""

    folder: Path
    measurement: Measurement

    def reasons(self) -> dict[str, str]:
        """Why cells of the row are empty, by column."""
        cells = (self.measurement.cell(metric) for metric in self.measurement.metrics())
        return {cell.metric: cell.reason for cell in cells if cell.reason is not None}


class Reports:
    """The reports of results folders, each read once.

    `problems` grows by a line for each that cannot be read.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._known: dict[Path, list[Measurement]] = {}

    def behind(self, row: ResultRow) -> Behind | None:
        """Where the row's clips are; None for published rows, studies and what no readable report has."""
        if row.file is None or row.origin == "published" or row.task == USER_STUDY:
            return None
        folder = row.file.parent
        if folder not in self._known:
            self._known[folder] = self._read(folder)
        measurement = of_row(row, self._known[folder])
        return Behind(folder, measurement) if measurement else None

    def _read(self, folder: Path) -> list[Measurement]:
        try:
            return measured_in(folder)
        except InputError as error:
            self.problems.append(f"{error}; its rows are shown without clips")
            return []


def missing_values(behind: Iterable[Behind], metrics: Iterable[str]) -> list[str]:
    """A line for each folder, task and metric that has a value of the whole but lacks it on clips."""
    found: dict[tuple[Path, str, str], list[str]] = {}
    everything = list(behind)
    for metric in metrics:
        for each in everything:
            measurement = each.measurement
            count, there = len(measurement.clips), len(measurement.scores(metric))
            if 0 < there < count:
                key = (each.folder, measurement.task, metric)
                found.setdefault(key, []).append(f"{measurement.label} on {count - there} of {count}")
    return [
        f"{folder}: {task}: clips without a value of {metric}: {', '.join(models)}"
        for (folder, task, metric), models in found.items()
    ]
