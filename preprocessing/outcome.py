"""What became of each clip that was tried: the rows of clips.csv, and the name of the table of what was found."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.atomic import write_text

FOUND_TABLE = "metadata.csv"
"""The clips that a search found, as a table that others can cut by.

Within the limits of the published columns and names: the footage has to lie in one folder as <video_id>.mp4, also where
the search knew sub-folders, and of two people in the very same frames of a video the first alone is cut.
"""

Status = Literal["ok", "dropped", "failed", "unavailable"]
Position = tuple[int, ...]
COLUMNS = (
    *("clip", "partition", "video_id", "person_id", "start", "end", "bbox", "fps", "width", "height"),
    *("frames", "sha256", "status", "reason"),
)


@dataclass(frozen=True)
class Outcome:
    """One clip that was tried.

    Attributes:
        position: its place in clips.csv; compared from left to right.
        clip: name of the clip, free of the suffix.
        partition: folder it lies in.
        cells: the columns from `video_id` to `height`, as the table or the search wrote them.
        status: ok, dropped by a rule, failed, or unavailable (its footage is not there).
        reason: a short code and a sentence; of a good clip, what should be known about it, or empty.
        frames: frames written.
        sha256: of the file; of a png folder, over its pictures.
    """

    position: Position
    clip: str
    partition: str
    cells: Mapping[str, str]
    status: Status
    reason: str = ""
    frames: int = 0
    sha256: str = ""


def write_clips_table(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write clips.csv, atomically.

    bbox, fps, width, height, start and end are the table's own, which the box is measured in. Nothing in it
    depends on the machine: no path, no date, and the order of the positions.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.position):
        cells = {**outcome.cells, **vars(outcome), "frames": outcome.frames or ""}
        table.writerow([cells.get(column, "") for column in COLUMNS])
    write_text(path, text.getvalue())
