"""What became of each row of a table: the rows of clips.csv."""

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from lia_bench.core.atomic import write_text
from lia_bench.core.errors import InputError
from lia_bench.preprocessing.metadata import MetadataRow

Status = Literal["ok", "dropped", "failed", "unavailable"]
COLUMNS = (
    *("clip", "partition", "video_id", "person_id", "start", "end", "bbox", "fps", "width", "height"),
    *("frames", "sha256", "status", "reason"),
)


@dataclass(frozen=True)
class Outcome:
    """One row that was tried.

    Attributes:
        clip: name of the clip, free of the suffix.
        partition: folder it lies in.
        row: the row of the table.
        status: ok, dropped by a rule, failed, or unavailable (its footage is not there).
        reason: a short code and a sentence; of a good clip, what should be known about it, or empty.
        frames: frames written.
        sha256: of the file; of a png folder, over its pictures.
    """

    clip: str
    partition: str
    row: MetadataRow
    status: Status
    reason: str = ""
    frames: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Preparation:
    """A finished run of a recipe over a table.

    Attributes:
        output: folder of the dataset.
        outcomes: one for each row, in the order of the table.
        hash: SHA-256 of clips.csv.
    """

    output: Path
    outcomes: tuple[Outcome, ...]
    hash: str

    @property
    def counts(self) -> dict[str, int]:
        """Rows by status."""
        counts = Counter(outcome.status for outcome in self.outcomes)
        return {status: counts[status] for status in ("ok", "dropped", "failed", "unavailable")}

    def of(self, *statuses: Status) -> list[Outcome]:
        """The outcomes of some statuses."""
        return [outcome for outcome in self.outcomes if outcome.status in statuses]


def write_clips_table(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Write clips.csv, atomically.

    bbox, fps, width, height, start and end are the table's own, which the box is measured in. Nothing in it
    depends on the machine: no path, no date, and the order of the table.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for outcome in outcomes:
        cells = {**outcome.row.text, **vars(outcome), "frames": outcome.frames or ""}
        table.writerow([cells[column] for column in COLUMNS])
    write_text(path, text.getvalue())


def report(preparation: Preparation) -> None:
    """Print what was cut and, on standard error, everything that was not or that is worth knowing.

    Raises:
        InputError: some row failed or had no footage.
    """
    good = preparation.of("ok")
    partitions = Counter(outcome.partition for outcome in good)
    shares = ", ".join(f"{partitions[name]} {name}" for name in sorted(partitions)) or "none"
    click.echo(f"clips: {len(good)} ({shares}), {sum(clip.frames for clip in good)} frames, in {preparation.output}")
    remarks = Counter(
        (outcome.status, outcome.row.video_id, outcome.reason) for outcome in preparation.outcomes if outcome.reason
    )
    for (status, video, reason), rows in remarks.items():
        label = "note" if status == "ok" else status
        click.echo(f"{label}: {video}, {rows} row{'s' if rows > 1 else ''}: {reason}", err=True)
    lost = preparation.of("failed", "unavailable")
    if lost:
        raise InputError(
            f"{len(lost)} of {len(preparation.outcomes)} rows were not cut, for the reasons above and in "
            f"{preparation.output / 'clips.csv'}; mend the footage and run the command again: it cuts what is missing"
        )
