"""The CSV tables of a results folder, made from its report."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lia_bench.core.atomic import write_text
from lia_bench.core.names import printable
from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.results.columns import (
    COLUMNS,
    LEADERBOARD,
    Cell,
    ResultRow,
    measured_cells,
    measured_row,
    names,
)
from lia_bench.leaderboards.results.measurement import Measurement, Summary, summaries
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.report_file import read_report
from lia_bench.metrics.registry import ordered

PER_CLIP = "per_clip.csv"

START_POSE_GAP = "start_pose_gap"
"""The column of per_clip.csv that says how differently source and first driving frame stand, where anybody knows."""


def rebuild(folder: Path) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv again from report.json; returns their paths."""
    write_tables(folder, read_report(folder))
    return folder / LEADERBOARD, folder / PER_CLIP


def write_tables(folder: Path, report: Report) -> None:
    """Write leaderboard.csv and per_clip.csv of a report into its folder, and note in the report what they hold."""
    found = summaries(report)
    texts = _texts(report, found)
    for name, text in texts.items():
        write_text(folder / name, text)
    report.tables = {name: hashlib.sha256(text.encode("utf-8")).hexdigest() for name, text in texts.items()}
    report.cells = [one.cell for summary in found for one in summary.metrics.values()]


def table_texts(report: Report) -> dict[str, str]:
    """What leaderboard.csv and per_clip.csv of a report hold, by name."""
    return _texts(report, summaries(report))


def header(scores: Iterable[str], counted: Iterable[str], others: Iterable[str]) -> list[str]:
    """The columns of a leaderboard.csv: of these metrics and preferences, with counts of some, and other scores."""
    scores = list(scores)
    return [
        *names("who"),
        *names("size"),
        *scores,
        *(f"{score}_{end}" for score in scores for end in ("low", "high")),
        *(f"{score}_{kind}" for score in counted for kind in ("frames", "missing")),
        *others,
        *names("where"),
    ]


def header_of(rows: Iterable[ResultRow], scores: Sequence[str]) -> list[str]:
    """The columns of a table of rows, with these scores; a paper's come last where a row was published."""
    rows = list(rows)
    of_metrics = [column for column in scores if column not in COLUMNS]
    counted = {metric for row in rows for metric in row.counts}
    others = [name for name in names("scores") if name in scores]
    published = any(row.origin == "published" for row in rows)
    return [
        *header(of_metrics, [column for column in of_metrics if column in counted], others),
        *(names("paper") if published else []),
    ]


def cells_of(row: ResultRow) -> dict[str, Cell]:
    """All cells of a row, of which a table may have fewer; numbers that were read as they were written."""
    cells: dict[str, Cell] = {name: getattr(row, name) for name in COLUMNS}
    cells |= {column: row.printed.get(column, value) for column, value in row.values.items()}
    for column, (low, high) in row.intervals.items():
        cells |= {f"{column}_low": low, f"{column}_high": high}
    for metric, (scored, missing) in row.counts.items():
        cells |= {f"{metric}_frames": scored, f"{metric}_missing": missing}
    return cells


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> None:
    """Write rows to a CSV file below a header of the columns, floats with six significant digits."""
    write_text(path, _text(columns, rows))


def said(columns: Iterable[str], rows: Sequence[Mapping[str, Cell]]) -> list[str]:
    """The columns without those that a table has only where one of its rows says something."""
    seldom = {column.name for column in COLUMNS.values() if column.seldom}
    return [name for name in columns if name not in seldom or any(row.get(name) for row in rows)]


def _texts(report: Report, found: Sequence[Summary]) -> dict[str, str]:
    metrics = ordered(report.setting.metrics)
    rows = [cells_of(measured_row(report, summary)) for summary in found]
    known = any(clip.start_pose_gap is not None for run in report.runs for clip in run.clips)
    gap = [START_POSE_GAP] if known else []
    clips = [*names("who"), "clip", "source", "frames", *gap, *metrics, *names("scores"), *names("where")]
    return {
        LEADERBOARD: _text(header(metrics, metrics, names("scores")), rows),
        PER_CLIP: _text(clips, [_clip_cells(report, clip) for summary in found for clip in summary.clips]),
    }


def _text(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> str:
    short = [{key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]
    return write_table(said(columns, short), short)


def _clip_cells(report: Report, alone: Measurement) -> dict[str, Cell]:
    """The row of a clip, given the measurement of that clip alone: what any row has, and the clip's scores."""
    (clip,) = alone.clips
    return {
        **measured_cells(report, alone),
        "clip": printable(clip.clip),
        "source": printable(clip.source),
        START_POSE_GAP: clip.start_pose_gap,
        **{metric: score.value for metric, score in clip.models[alone.index].scores.items()},
    }
