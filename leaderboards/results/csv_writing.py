"""The CSV tables of a results folder, made from its report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_text
from lia_bench.core.names import printable
from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.results.columns import COLUMNS, LEADERBOARD, Cell, ResultRow, names
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.report_file import read_report
from lia_bench.metrics.registry import ordered

PER_CLIP = "per_clip.csv"


def rebuild(folder: Path) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv again from report.json; returns their paths."""
    return write_tables(folder, read_report(folder))


def write_tables(folder: Path, report: Report) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv of a report into its folder; returns their paths."""
    metrics = ordered(report.setting.metrics)
    found = measurements(report)
    rows = [row_of(report, measurement) for measurement in found]
    write_rows(folder / LEADERBOARD, header(metrics, metrics, names("scores")), map(cells_of, rows))
    clips = [*names("who"), "clip", "source", "frames", *metrics, *names("scores"), *names("where")]
    by_clip = (cells for measurement in found for cells in _clips_of(report, measurement))
    write_rows(folder / PER_CLIP, clips, by_clip)
    return folder / LEADERBOARD, folder / PER_CLIP


def row_of(report: Report, measurement: Measurement) -> ResultRow:
    """The row of a leaderboard: means over clips with their intervals, and where they come from."""
    metrics = ordered(report.setting.metrics)
    values = {metric: measurement.value(metric) for metric in metrics}
    intervals = {metric: measurement.interval(metric, report.setting.seed) for metric in metrics}
    own: dict[str, Any] = {
        name: column.measured(report, measurement) for name, column in COLUMNS.items() if column.measured is not None
    }
    return ResultRow(
        **own,
        values={metric: value for metric, value in values.items() if value is not None},
        intervals={metric: interval for metric, interval in intervals.items() if interval is not None},
        counts={metric: measurement.counts(metric) for metric in metrics},
    )


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
    short = ({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()} for row in rows)
    write_text(path, write_table(columns, short))


def _clips_of(report: Report, measurement: Measurement) -> Iterator[dict[str, Cell]]:
    """A row for each clip of a measurement: of what would be one of that clip alone, and its scores."""
    for clip, result in zip(measurement.clips, measurement.results(), strict=True):
        alone = replace(measurement, clips=[clip])
        own = {name: column.measured(report, alone) for name, column in COLUMNS.items() if column.measured is not None}
        yield {
            **own,
            "clip": printable(clip.clip),
            "source": printable(clip.source),
            **{metric: score.value for metric, score in result.scores.items()},
        }
