"""Metrics of sets: Frechet distances over all clips of a task, from the features that scoring left on disk."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.progress import progress
from lia_bench.metrics.features import FeatureFile, LoadedExtractor, cached_features
from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.specification import Compares
from lia_bench.metrics.suite import Suite, SuiteMetric

ROWS_AT_ONCE = 1024


def features_folder(report_folder: Path, run_index: int) -> Path:
    """Where a run's features lie until its distances are known."""
    return report_folder / "features" / f"run-{run_index}"


def generated_features(folder: Path, number: int, model: int, extractor: LoadedExtractor) -> FeatureFile:
    """The features of a model's frames for one animation."""
    path = folder / extractor.identity / f"model-{model}" / f"{number}.float32"
    return FeatureFile(path, extractor.specification.shape)


def set_scores(suite: Suite, run: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """For every task, model and metric of sets: the distance, or why there is none, and the numbers of samples."""
    work = [
        (task, model, metric)
        for task in run["plan"]["tasks"]
        for model in range(len(run["plan"]["models"]))
        for metric in suite.of(Compares.SETS)
        if any(clip["task"] == task for clip in run["clips"])
    ]
    return (
        [
            _set_score(suite, [clip for clip in run["clips"] if clip["task"] == task], folder, task, model, metric)
            for task, model, metric in progress(work, title="distances", unit="set")
        ]
        if work
        else []
    )


def _set_score(
    suite: Suite, clips: Sequence[Mapping[str, Any]], folder: Path, task: str, model: int, metric: SuiteMetric
) -> dict[str, Any]:
    entry: dict[str, Any] = {"task": task, "model": model, "metric": metric.column, "value": None, "reason": None}
    extractor, meter = metric.extractor, metric.meter()
    if extractor is None or not isinstance(meter, FrechetMetric):
        raise TypeError(f"{metric.specification.name}: a metric of sets needs an extractor and a FrechetMetric")
    size = (suite.setting.height, suite.setting.width)
    if problems := sum("problem" in clip["models"][model] for clip in clips):
        return entry | {"reason": f"on {problems} of {len(clips)} clips, frames hold values that are no numbers"}
    for clip in sorted(clips, key=lambda clip: clip["number"]):
        files = (
            generated_features(folder, clip["number"], model, extractor),
            cached_features(extractor, *size, clip["features_key"]),
        )
        for file in files:
            if file.read() is None:
                return entry | {"reason": f"{file.path} is gone; evaluate anew under another --name"}
        for generated, reference in zip(*map(_parts, files), strict=True):
            meter.to(suite.setting.device)
            meter.update(generated.to(suite.setting.device), reference.to(suite.setting.device))
    value = float(meter.compute())
    entry["generated"] = int(meter.generated_count)
    entry["reference"] = int(meter.reference_count)
    entry["dimensions"] = len(meter.generated_sum)
    if math.isnan(value):
        return entry | {"reason": "a distance between sets needs two samples on each side"}
    return entry | {"value": value}


def _parts(file: FeatureFile) -> Iterator[Tensor]:
    rows = file.read()
    if rows is None:
        return
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        yield torch.tensor(rows[begin : begin + ROWS_AT_ONCE])
