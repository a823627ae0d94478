"""clips.csv: what a prepared dataset says about its clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.inner_files import named_inside
from lia_bench.core.names import same_name
from lia_bench.core.text_files import read_table

TABLE = "clips.csv"
NEEDED = ("clip", "partition", "status")
"""Columns without which no clip can be found; other columns are asked for where they are read."""

TAR_COLUMN = "tar"
"""Of a packed dataset: the tar file that holds the clip's frames."""

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
        table = read_table(path)
    except UnreadableTextError as error:
        if error.missing:
            raise InputError(f"{path}: no such table of clips; name the folder of a prepared dataset") from None
        raise InputError(f"{path}: not readable as a table of clips: {error.reason}") from error
    for number, cells in table.lines:
        if len(cells) != len(table.columns):
            raise InputError(f"{path}, line {number}: the row has not the {len(table.columns)} cells it needs")
    for name in (*NEEDED, *columns_read):
        if name not in table.columns:
            raise InputError(f"{path}: not a table of clips, the column '{name}' is missing")
    return ClipsTable(table.columns, tuple(row for _, row in table.rows()))


def find_clip(folder: Path, row: Mapping[str, str]) -> Path | None:
    """Where the clip of a row lies, an mp4 file, a folder of pictures or a place in a tar; None where it is missing.

    Of a packed clip it is the tar that is looked for.

    Raises:
        InputError: the row names a clip outside of the folder.
    """
    if row.get(TAR_COLUMN):
        tar = named_inside(folder, row[TAR_COLUMN])
        return named_inside(tar, clip_key(row)) if tar.is_file() else None
    place = named_inside(folder, row["partition"])
    named_inside(place, row["clip"])
    names = (f"{row['clip']}.mp4", row["clip"])
    found = next((place / name for name in names if (place / name).exists()), None)
    if found is not None or row["clip"].isascii() or not place.is_dir():
        return found
    # Copied by way of a system that writes accents in another form.
    wanted = {same_name(name) for name in names}
    return next((path for path in sorted(place.iterdir()) if same_name(path.name) in wanted), None)
