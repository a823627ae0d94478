"""What stands behind each cell of a leaderboard: how many frames were scored, and why a cell is empty."""

from collections.abc import Mapping
from typing import Any

from lia_bench.leaderboards.tables import Measurement, measurements, ordered


def describe_cells(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each row of the leaderboard and each metric: counts of clips and frames, and the reason of an empty cell."""
    metrics = ordered(content["setting"]["metrics"])
    return [describe_cell(measurement, metric) for measurement in measurements(content) for metric in metrics]


def describe_cell(measurement: Measurement, metric: str) -> dict[str, Any]:
    """Counts of clips and frames behind one cell, and the reason of an empty one."""
    scores = [result["scores"].get(metric) for result in measurement.results()]
    valid = sum(score["valid_frames"] for score in scores if score)
    values = measurement.values(metric)
    return {
        "model": measurement.model["label"],
        "checkpoint_sha256": measurement.model["checkpoint_sha256"],
        "task": measurement.task,
        "transfer": measurement.transfer,
        "metric": metric,
        "clips": len(measurement.clips),
        "clips_with_a_value": len(values),
        "valid_frames": valid,
        "missing_frames": sum(score["missing_frames"] for score in scores if score),
        "reason": None if values else _reason(measurement, metric, valid),
    }


def _reason(measurement: Measurement, metric: str, valid_frames: int) -> str:
    if measurement.task == "cross":
        return "another person's video drives, so there is no true frame to compare with"
    if metric in measurement.run["unavailable"]:
        return str(measurement.run["unavailable"][metric])
    if valid_frames:
        return "infinite on every clip: the frames equal their references"
    return "no frame could be scored"
