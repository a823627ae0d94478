"""The CSV tables of a results folder, made from its report."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_text
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.report_file import read_report
from lia_bench.metrics.registry import ordered

LEADERBOARD = "leaderboard.csv"
PER_CLIP = "per_clip.csv"

WHO = ("model", "variant", "checkpoint", "dataset", "split", "task", "transfer")
"""The first columns of every table: what was measured on what."""
WHERE = ("protocol", "extractors", "dataset_hash", "checkpoint_sha256", "seed", "device", "version", "date", "origin")
"""The last columns of every table: where its numbers come from."""

Row = dict[str, Any]


def leaderboard_rows(report: Report) -> Iterator[Row]:
    """One row a measurement: means over clips and their intervals, where the row comes from."""
    metrics = ordered(report.setting.metrics)
    for measurement in measurements(report):
        row = _who_and_what(report, measurement)
        row |= {"clips": len(measurement.clips), "frames": measurement.frames}
        row |= {metric: measurement.value(metric) for metric in metrics}
        for metric in metrics:
            low, high = measurement.interval(metric, report.setting.seed) or (None, None)
            row |= {f"{metric}_low": low, f"{metric}_high": high}
            row |= dict(zip((f"{metric}_frames", f"{metric}_missing"), measurement.counts(metric), strict=True))
        row["fps"] = measurement.frames_per_second()
        yield row | _where_from(report, measurement, measurement.date)


def per_clip_rows(report: Report) -> Iterator[Row]:
    """One row a measurement and clip."""
    metrics = ordered(report.setting.metrics)
    for measurement in measurements(report):
        for clip, result in zip(measurement.clips, measurement.results(), strict=True):
            row = _who_and_what(report, measurement)
            row |= {"clip": clip.clip, "source": clip.source, "frames": clip.frames}
            row |= {metric: result.scores[metric].value for metric in metrics if metric in result.scores}
            row["fps"] = clip.frames / result.seconds if result.seconds > 0 else None
            yield row | _where_from(report, measurement, clip.date)


def rebuild(folder: Path) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv again from report.json; returns their paths."""
    return write_tables(folder, read_report(folder))


def write_tables(folder: Path, report: Report) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv of a report into its folder; returns their paths."""
    leaderboard, per_clip = folder / LEADERBOARD, folder / PER_CLIP
    metrics = ordered(report.setting.metrics)
    intervals = [f"{metric}_{end}" for metric in metrics for end in ("low", "high")]
    counts = [f"{metric}_{kind}" for metric in metrics for kind in ("frames", "missing")]
    columns = [*WHO, "clips", "frames", *metrics, *intervals, *counts, "fps", *WHERE]
    write_rows(leaderboard, columns, leaderboard_rows(report))
    write_rows(per_clip, [*WHO, "clip", "source", "frames", *metrics, "fps", *WHERE], per_clip_rows(report))
    return leaderboard, per_clip


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows to a CSV file below a header of the columns, floats with six significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()})
    write_text(path, text.getvalue())


def _who_and_what(report: Report, measurement: Measurement) -> Row:
    return {
        "model": measurement.model.model,
        "variant": measurement.model.variant,
        "checkpoint": measurement.model.checkpoint,
        "dataset": report.setting.dataset,
        "split": report.setting.split,
        "task": measurement.task,
        "transfer": measurement.own_transfer,
    }


def _where_from(report: Report, measurement: Measurement, date: str) -> Row:
    plan = measurement.run.plan
    return {
        "protocol": report.setting.protocol,
        "extractors": ";".join(
            f"{column}={metric.description}"
            for column, metric in sorted(plan.metrics.items())
            if metric.description != column
        ),
        "dataset_hash": report.setting.dataset_hash,
        "checkpoint_sha256": measurement.model.checkpoint_sha256,
        "seed": report.setting.seed,
        "device": plan.device,
        "version": plan.version,
        "date": date,
        "origin": "measured",
    }
