"""The results' own columns: what is written is read back as it was."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, names


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """All rows of all groups below one header, the numbers with all their digits.

    The columns are those of a `leaderboard.csv`; `paper`, `table` and `note` come last where a row was published. Of
    scores there are those asked for, whether or not a row has a value. Intervals are always there: a script that does
    not want them does not read them.
    """
    rows = [row for group in groups for row in group.rows]
    scores = [column for column in columns if column not in COLUMNS]
    header = [
        *names("who"),
        *names("size"),
        *scores,
        *(f"{column}_{end}" for column in scores for end in ("low", "high")),
        *_counts(rows, scores),
        *(name for name in names("scores") if name in columns),
        *names("where"),
        *(names("paper") if any(row.origin == "published" for row in rows) else ()),
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(row) for row in rows)
    return text.getvalue()


def _counts(rows: Iterable[ResultRow], scores: Sequence[str]) -> list[str]:
    counted = {metric for row in rows for metric in row.counts}
    return [f"{column}_{kind}" for column in scores if column in counted for kind in ("frames", "missing")]


def _cells(row: ResultRow) -> Mapping[str, object]:
    cells: dict[str, object] = {name: getattr(row, name) for name in COLUMNS}
    for column, value in row.values.items():
        cells[column] = row.printed.get(column, value)
    for column, (low, high) in row.intervals.items():
        cells |= {f"{column}_low": low, f"{column}_high": high}
    for metric, (scored, missing) in row.counts.items():
        cells |= {f"{metric}_frames": scored, f"{metric}_missing": missing}
    return cells
