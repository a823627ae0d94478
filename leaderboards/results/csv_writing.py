"""The CSV tables of a results folder, made from its report."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_text
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.statistics import bootstrap_interval, weighted_mean
from lia_bench.metrics.registry import ordered

LEADERBOARD = "leaderboard.csv"
PER_CLIP = "per_clip.csv"

WHO = ("model", "variant", "checkpoint", "dataset", "split", "task", "transfer")
"""The first columns of every table: what was measured on what."""
WHERE = ("protocol", "extractors", "dataset_hash", "checkpoint_sha256", "seed", "device", "version", "date", "origin")
"""The last columns of every table: where its numbers come from."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """A model on a task: all its clips of one run.

    Attributes:
        run: the report's entry.
        index: position of the model in the run's plan, and of its scores in every clip's entry.
        task: 'reconstruction' or 'cross'.
        clips: entries of the finished clips, in the order they are to be listed.
        label: what tables call the model; unique among measurements of a task.
    """

    run: Mapping[str, Any]
    index: int
    task: str
    clips: Sequence[Mapping[str, Any]]
    label: str

    @property
    def model(self) -> Mapping[str, Any]:
        """Label, name, variant, checkpoint and its hash."""
        model: Mapping[str, Any] = self.run["plan"]["models"][self.index]
        return model

    @property
    def transfer(self) -> str:
        """How motion was to be transferred, by every model that knows that mode; empty where nobody knows."""
        transfer: str = self.run["plan"]["tasks"][self.task]
        return transfer

    @property
    def own_transfer(self) -> str:
        """How this model transferred motion."""
        transfer: str = self.model.get("transfers", {}).get(self.task, self.transfer)
        return transfer

    def results(self) -> list[Mapping[str, Any]]:
        """This model's part of every clip: seconds and scores."""
        return [clip["models"][self.index] for clip in self.clips]

    def scores(self, metric: str) -> list[Mapping[str, Any]]:
        """The metric on every clip that has a value."""
        scores = (result["scores"].get(metric, {}) for result in self.results())
        return [score for score in scores if score.get("value") is not None]

    def weights(self, metric: str) -> list[float]:
        """How much each clip with a value counts: by its frames, or all alike."""
        by_frames = self._counts_frames(metric)
        return [score["weight"] if by_frames else 1.0 for score in self.scores(metric)]

    def by_clip(self, metric: str) -> dict[tuple[str, str], tuple[float, float]]:
        """Value and weight of the metric on every clip that has a value, by the names of source and driving clip."""
        by_frames = self._counts_frames(metric)
        scores = ((clip, clip["models"][self.index]["scores"].get(metric, {})) for clip in self.clips)
        return {
            (clip["source"], clip["clip"]): (score["value"], score["weight"] if by_frames else 1.0)
            for clip, score in scores
            if score.get("value") is not None
        }

    def of_sets(self, metric: str) -> Mapping[str, Any] | None:
        """What is known of a metric of sets: value, reason, numbers of samples; None of a metric of frames."""
        entries = self.run.get("sets", {}).get("scores", ())
        own = (entry for entry in entries if (entry["task"], entry["model"]) == (self.task, self.index))
        return next((entry for entry in own if entry["metric"] == metric), None)

    def problems(self) -> list[str]:
        """The clips whose frames could not be scored, each with the reason."""
        pairs = zip(self.clips, self.results(), strict=True)
        return [f"{clip['clip']}: {result['problem']}" for clip, result in pairs if "problem" in result]

    def value(self, metric: str) -> float | None:
        """The table's number; None where there is none, or where the model failed on a clip."""
        entry = self.of_sets(metric)
        if entry is not None:
            value: float | None = entry["value"]
            return value
        scores = self.scores(metric)
        if not scores or self.problems():
            return None
        return weighted_mean([score["value"] for score in scores], self.weights(metric))

    def interval(self, metric: str, seed: int) -> tuple[float, float] | None:
        """95 % interval of the table's number over clips; None where nothing can be said, and for sets."""
        if self.value(metric) is None or self.of_sets(metric) is not None:
            return None
        return bootstrap_interval([score["value"] for score in self.scores(metric)], self.weights(metric), seed)

    def counts(self, metric: str) -> tuple[int, int]:
        """Frames (of sets: samples) behind the number, and frames left out since a detector found nothing there."""
        entry = self.of_sets(metric)
        if entry is not None:
            return entry.get("generated", 0), 0
        scores = [result["scores"][metric] for result in self.results() if metric in result["scores"]]
        return sum(score["valid_frames"] for score in scores), sum(score["missing_frames"] for score in scores)

    def frames_per_second(self) -> float | None:
        """Rendered frames per second of the model alone, over all clips."""
        seconds = sum(result["seconds"] for result in self.results())
        return sum(clip["frames"] for clip in self.clips) / seconds if seconds > 0 else None

    def _counts_frames(self, metric: str) -> bool:
        """Whether a clip counts by its frames in the metric's mean."""
        averaging: str | None = self.run["plan"]["metrics"].get(metric, {}).get("averaging")
        return averaging == "frames"


def measurements(content: Mapping[str, Any]) -> list[Measurement]:
    """One a model, checkpoint and task; of several runs the one with more clips, then the newest."""
    best: dict[tuple[str, ...], Measurement] = {}
    for run in content["runs"]:
        for task, transfer in run["plan"]["tasks"].items():
            clips = sorted((clip for clip in run["clips"] if clip["task"] == task), key=_listed)
            for index, model in enumerate(run["plan"]["models"]):
                key = (task, model["model"], model["variant"], model["checkpoint_sha256"], transfer)
                if clips and (key not in best or len(clips) >= len(best[key].clips)):
                    best.pop(key, None)
                    best[key] = Measurement(run, index, task, clips, model["label"])
    found = sorted(best.values(), key=lambda measurement: measurement.task != "reconstruction")
    return [_told_apart(measurement, found) for measurement in found]


def _told_apart(measurement: Measurement, all_of_them: Sequence[Measurement]) -> Measurement:
    """With the first digits of its checkpoint in the label, where others of the task have the same label."""
    task = (measurement.task, measurement.transfer, measurement.label)
    namesakes = [other for other in all_of_them if (other.task, other.transfer, other.label) == task]
    if len(namesakes) == 1:
        return measurement
    return replace(measurement, label=f"{measurement.label}#{measurement.model['checkpoint_sha256'][:8]}")


def leaderboard_rows(content: Mapping[str, Any]) -> Iterator[Row]:
    """One row a measurement: means over clips and their intervals, where the row comes from."""
    metrics = ordered(content["setting"]["metrics"])
    for measurement in measurements(content):
        seed = content["setting"]["seed"]
        row = _who_and_what(content, measurement)
        row |= {"clips": len(measurement.clips), "frames": sum(clip["frames"] for clip in measurement.clips)}
        row |= {metric: measurement.value(metric) for metric in metrics}
        for metric in metrics:
            low, high = measurement.interval(metric, seed) or (None, None)
            row |= {f"{metric}_low": low, f"{metric}_high": high}
            row |= dict(zip((f"{metric}_frames", f"{metric}_missing"), measurement.counts(metric), strict=True))
        row["fps"] = measurement.frames_per_second()
        yield row | _where_from(content, measurement, max(clip["date"] for clip in measurement.clips))


def per_clip_rows(content: Mapping[str, Any]) -> Iterator[Row]:
    """One row a measurement and clip."""
    metrics = ordered(content["setting"]["metrics"])
    for measurement in measurements(content):
        for clip, result in zip(measurement.clips, measurement.results(), strict=True):
            row = _who_and_what(content, measurement)
            row |= {"clip": clip["clip"], "source": clip["source"], "frames": clip["frames"]}
            row |= {metric: result["scores"].get(metric, {}).get("value") for metric in metrics}
            row["fps"] = clip["frames"] / result["seconds"] if result["seconds"] > 0 else None
            yield row | _where_from(content, measurement, clip["date"])


def rebuild(folder: Path) -> tuple[Path, Path]:
    """Write leaderboard.csv and per_clip.csv again from report.json; returns their paths."""
    return write_tables(Report(folder))


def write_tables(report: Report) -> tuple[Path, Path]:
    """Write a report's leaderboard.csv and per_clip.csv; returns their paths."""
    content = report.content
    leaderboard, per_clip = report.folder / LEADERBOARD, report.folder / PER_CLIP
    metrics = ordered(content["setting"]["metrics"])
    intervals = [f"{metric}_{end}" for metric in metrics for end in ("low", "high")]
    counts = [f"{metric}_{kind}" for metric in metrics for kind in ("frames", "missing")]
    columns = [*WHO, "clips", "frames", *metrics, *intervals, *counts, "fps", *WHERE]
    write_rows(leaderboard, columns, leaderboard_rows(content))
    write_rows(per_clip, [*WHO, "clip", "source", "frames", *metrics, "fps", *WHERE], per_clip_rows(content))
    return leaderboard, per_clip


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows to a CSV file below a header of the columns, floats with six significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()})
    write_text(path, text.getvalue())


def _who_and_what(content: Mapping[str, Any], measurement: Measurement) -> Row:
    model = measurement.model
    return {
        "model": model["model"],
        "variant": model["variant"],
        "checkpoint": model["checkpoint"],
        "dataset": content["setting"]["dataset"],
        "split": content["setting"]["split"],
        "task": measurement.task,
        "transfer": measurement.own_transfer,
    }


def _where_from(content: Mapping[str, Any], measurement: Measurement, date: str) -> Row:
    plan = measurement.run["plan"]
    return {
        "protocol": content["setting"]["protocol"],
        "extractors": ";".join(
            f"{column}={metric['description']}"
            for column, metric in sorted(plan["metrics"].items())
            if metric["description"] != column
        ),
        "dataset_hash": content["setting"]["dataset_hash"],
        "checkpoint_sha256": measurement.model["checkpoint_sha256"],
        "seed": content["setting"]["seed"],
        "device": plan["device"],
        "version": plan["version"],
        "date": date,
        "origin": "measured",
    }


def _listed(clip: Mapping[str, Any]) -> int:
    number: int = clip["number"]
    return number
