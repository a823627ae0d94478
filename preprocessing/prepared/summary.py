"""What is in a prepared dataset and what is missing from it, as tables for a terminal."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lia_bench.core.clips_table import STATUSES, TABLE, ClipsTable, Row, clip_key
from lia_bench.core.dataset_description import DatasetDescription, read_description
from lia_bench.core.errors import InputError
from lia_bench.core.names import counted
from lia_bench.core.prepared_dataset import PARTITIONS, table_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COLUMNS_READ = ("video_id", "person_id", "start", "end", "bbox", "fps", "frames", "reason")
PIPED_WIDTH = 100
NO_PARTITION = "(none)"
"""Stands for the partition of what could not even be searched."""

FEW_REASONS = 3
BOX = re.compile(r"(\d+)-(\d+)-(\d+)-(\d+)")


def print_summary(folder: Path) -> None:
    """Print a dozen lines to standard output: what there is of each partition, and why the rest is not there.

    Raises:
        InputError: no prepared dataset, or a row of it that no duration comes of.
    """
    table, description = table_of(folder, COLUMNS_READ), read_description(folder)
    console = _console()
    _print_head(console, folder, table, description)
    reasons = _reasons(row for row in table.rows if row["status"] != "ok")
    _lines(console, reasons[:FEW_REASONS])
    if len(reasons) > FEW_REASONS:
        _lines(console, [f"{len(reasons) - FEW_REASONS} more reasons: lia-bench datasets show {folder}"])


def print_details(folder: Path) -> None:
    """Print all that clips.csv and dataset.json tell about a dataset.

    Raises:
        InputError: no prepared dataset, or a row of it that no duration comes of.
    """
    table, description = table_of(folder, COLUMNS_READ), read_description(folder)
    console = _console()
    _print_head(console, folder, table, description)
    _lines(console, _overlaps(table))
    for title, lines in {
        "not cut": _reasons(row for row in table.rows if row["status"] != "ok"),
        "remarks on clips": _reasons(row for row in table.good if row["reason"]),
    }.items():
        if lines:
            _lines(console, ["", f"{title}:", *lines])
    _lines(
        console,
        ["", *_boxes(table), f"clips show: {description.subject or 'what dataset.json does not name'}"],
    )
    packed = description.packed
    if packed:
        pictures = f"JPEG pictures of quality {packed.quality} in {counted(len(packed.tars), 'tar file')}"
        _lines(console, [f"packed: {pictures}, from the dataset of hash {packed.source[:12]}"])
    for title, values in (
        ("arguments", description.arguments),
        ("made by", description.versions),
    ):
        _lines(console, [f"{title}: {', '.join(f'{key} {value}' for key, value in values.items())}"])


def _console() -> "Console":
    from lia_bench.core.console import wide_console

    return wide_console(PIPED_WIDTH)


def _print_head(console: "Console", folder: Path, table: ClipsTable, description: DatasetDescription) -> None:
    size = f"{description.size} pixels" if description.size else ""
    parts = [description.recipe, size, _shard(description), f"hash {description.hash[:12]}"]
    _lines(console, [f"{folder}: {', '.join(part for part in parts if part)}"])
    names = [*PARTITIONS, *sorted({row["partition"] for row in table.rows} - set(PARTITIONS))]
    rows = {name: [row for row in table.rows if row["partition"] == name] for name in names}
    console.print(_coverage({name: own for name, own in rows.items() if own}))
    console.print(_contents({name: [row for row in own if row["status"] == "ok"] for name, own in rows.items()}))


def _shard(description: DatasetDescription) -> str:
    shard = description.shard
    return f"shard {shard.index}/{shard.count}" if shard else ""


def _coverage(rows: dict[str, list[Row]]) -> "Table":
    """How many of the rows that were tried are clips, and what became of the others."""
    table = _table("partition", "rows", "clips", "share", *STATUSES[1:])
    if len(rows) > 1:
        rows = {**rows, "all": [row for own in rows.values() for row in own]}
    for name, own in rows.items():
        counts = Counter(row["status"] for row in own)
        share = f"{100 * counts['ok'] / len(own):.1f} %"
        table.add_row(
            name or NO_PARTITION,
            f"{len(own):,}",
            f"{counts['ok']:,}",
            share,
            *(f"{counts[status]:,}" for status in STATUSES[1:]),
        )
    return table


def _contents(rows: dict[str, list[Row]]) -> "Table":
    """Videos, persons and durations of the clips that are there."""
    table = _table("partition", "videos", "persons", "frames", "hours", "shortest", "median", "longest")
    for name, own in rows.items():
        if own:
            seconds = [_seconds(row) for row in own]
            table.add_row(
                name,
                *(f"{len(_values(own, column)):,}" for column in ("video_id", "person_id")),
                f"{sum(int(row['frames']) for row in own):,}",
                f"{sum(seconds) / 3600:.2f}",
                *(f"{value:.1f} s" for value in (min(seconds), median(seconds), max(seconds))),
            )
    return table


def _seconds(row: Row) -> float:
    """How long a clip plays: by the stretch of its row, since its frames count at the footage's rate."""
    try:
        frames, stretch = int(row["frames"]), float(row["end"]) - float(row["start"])
        return (stretch if stretch > 0 else frames) / float(row["fps"])
    except (ValueError, ZeroDivisionError):
        raise InputError(
            f"{TABLE}: {clip_key(row)}: no duration comes of its start, end, frames and fps; prepare the dataset again"
        ) from None


def _values(rows: Sequence[Row], column: str) -> set[str]:
    # What follows '#' in a video_id says more than which video it is.
    return {row[column].split("#")[0] if column == "video_id" else row[column] for row in rows} - {""}


def _overlaps(table: ClipsTable) -> list[str]:
    lines = []
    for column, what in (("person_id", "person"), ("video_id", "video")):
        train, test = (_values([row for row in table.good if row["partition"] == name], column) for name in PARTITIONS)
        both = sorted(train & test)
        if both:
            names = ", ".join(both[:FEW_REASONS]) + (", ..." if len(both) > FEW_REASONS else "")
            lines.append(f"warning: {len(both)} {what}{'s are' if len(both) > 1 else ' is'} in train and test: {names}")
    return lines


def _reasons(rows: Iterable[Row]) -> list[str]:
    """A line for each status and short code, with one of its sentences, the most frequent first."""
    sentences: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        code, _, sentence = row["reason"].partition(":")
        sentences[row["status"], code].append(sentence.strip())
    lines = []
    for (status, code), said in sorted(sentences.items(), key=lambda item: (-len(item[1]), item[0])):
        example = " (for example)" if len(set(said)) > 1 else ""
        lines.append(f"{status}, {len(said):,} row{'s' if len(said) > 1 else ''}, {code}: {said[0]}{example}")
    return lines


def _boxes(table: ClipsTable) -> list[str]:
    sides = []
    for row in table.good:
        box = BOX.fullmatch(row["bbox"])
        if box:
            left, top, right, bottom = map(int, box.groups())
            sides.append(max(right - left, bottom - top))
    if not sides:
        return []
    return [f"boxes: larger side {min(sides)} to {max(sides)} pixels of the table's frame, median {median(sides):g}"]


def _table(*columns: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name == "partition" else "right", no_wrap=True)
    return table


def _lines(console: "Console", lines: Sequence[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
