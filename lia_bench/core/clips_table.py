"""clips.csv: what a prepared dataset says about its clips."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError

TABLE = "clips.csv"
NEEDED = ("clip", "partition", "status")
"""Columns without which no clip can be found; other columns are asked for where they are read."""

STATUSES = ("ok", "dropped", "failed", "unavailable")

Row = dict[str, str]


@dataclass(frozen=True)
class ClipsTable:
    """The rows of a clips.csv, as they are written.

    Attributes:
        columns: the header.
        rows: a cell for each column.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def good(self) -> list[Row]:
        """The rows whose clip was written."""
        return [row for row in self.rows if row["status"] == "ok"]


def clip_key(row: Mapping[str, str]) -> str:
    """What tells the clip of a row from all others of its dataset: 'partition/clip'."""
    return f"{row['partition']}/{row['clip']}"


def read_clips_table(path: Path, columns_read: Sequence[str] = ()) -> ClipsTable:
    """Read a clips.csv.

    Args:
        path: the file.
        columns_read: what the caller reads beside clip, partition and status.

    Raises:
        InputError: no such file, no CSV table, or one in which a column is missing.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise InputError(
                        f"{path}, line {reader.line_num}: the row has not the {len(columns)} cells it needs"
                    )
                rows.append(row)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table of clips; name the folder of a prepared dataset") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as a table of clips: {error}") from error
    for name in (*NEEDED, *columns_read):
        if name not in columns:
            raise InputError(f"{path}: not a table of clips, the column '{name}' is missing")
    return ClipsTable(columns, tuple(rows))


def find_clip(folder: Path, row: Mapping[str, str]) -> Path | None:
    """Where the clip of a row lies, an mp4 file or a folder of pictures; None where it is missing."""
    place = folder / row["partition"]
    return next((path for path in (place / f"{row['clip']}.mp4", place / row["clip"]) if path.exists()), None)
