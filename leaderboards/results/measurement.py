"""What stands behind each cell of a leaderboard: how many frames were scored, and why a cell is empty."""

from collections.abc import Mapping
from typing import Any

from lia_bench.leaderboards.results.csv_writing import Measurement, measurements
from lia_bench.metrics.registry import ordered


def describe_cells(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each row of the leaderboard and each metric: counts of clips and frames, and the reason of an empty cell."""
    metrics = ordered(content["setting"]["metrics"])
    return [describe_cell(measurement, metric) for measurement in measurements(content) for metric in metrics]


def describe_cell(measurement: Measurement, metric: str) -> dict[str, Any]:
    """Counts of clips and frames behind one cell, and the reason of an empty one."""
    valid, missing = measurement.counts(metric)
    return {
        "model": measurement.label,
        "checkpoint_sha256": measurement.model["checkpoint_sha256"],
        "task": measurement.task,
        "transfer": measurement.own_transfer,
        "metric": metric,
        "clips": len(measurement.clips),
        "clips_with_a_value": len(measurement.scores(metric)),
        "valid_frames": valid,
        "missing_frames": missing,
        "reason": _reason(measurement, metric, valid) if measurement.value(metric) is None else None,
    }


def _reason(measurement: Measurement, metric: str, valid_frames: int) -> str:
    if metric in measurement.run["unavailable"]:
        return str(measurement.run["unavailable"][metric])
    entry = measurement.of_sets(metric)
    if entry is not None:
        return str(entry["reason"])
    if problems := measurement.problems():
        more = f" (and {len(problems) - 1} clips more)" if len(problems) > 1 else ""
        return f"the model failed on {problems[0]}{more}"
    if measurement.run["plan"]["metrics"][metric]["of_sets"]:
        return "measured when all clips are done"
    if measurement.task not in measurement.run["plan"]["tasks_with_truth"] and not valid_frames:
        return "another person's video drives, so there is no true frame to compare with"
    if valid_frames:
        return "infinite on every clip: the frames equal their references"
    return "no frame could be scored: nothing was found in the true frames, or in none of the generated ones"
