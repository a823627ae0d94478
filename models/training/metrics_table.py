"""metrics.csv: one row every so many iterations, appended, cut back when a run goes on from a checkpoint."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from lia_bench.core.atomic import write_text

Row = Mapping[str, float | int | str]


class MetricsTable:
    """A CSV file that starts with the column `step`; a row may leave cells empty or bring new columns."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Open the table at `path`, dropping every row after `last_step`."""
        self._path = path
        self._columns, rows = _read(path) if path.is_file() else ([], [])
        kept = [row for row in rows if int(row["step"]) <= last_step]
        write_text(path, _text(self._columns, kept))

    def append(self, row: Row) -> None:
        """Add `row`; a new column widens the table."""
        known = self._columns
        self._columns = [*known, *(name for name in row if name not in known)]
        if len(self._columns) > len(known):
            write_text(self._path, _text(self._columns, [*_read(self._path)[1], row]))
            return
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self._columns, lineterminator="\n").writerow(row)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        # A killed run may leave half a row at the end.
        rows = [row for row in reader if None not in row.values()]
        return list(reader.fieldnames or []), rows


def _text(columns: list[str], rows: Iterable[Row]) -> str:
    buffer = io.StringIO(newline="")
    if columns:
        writer = csv.DictWriter(buffer, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return buffer.getvalue()
