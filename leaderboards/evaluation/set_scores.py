"""Metrics of sets: Frechet distances over all clips of a task, from the features that scoring left on disk."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from lia_bench.core.console import progress
from lia_bench.core.video.image import at_sizes, to_tensor
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.results.report import ClipEntry, Run, SetScore
from lia_bench.metrics.clip_scores import eight_bits
from lia_bench.metrics.features import FeatureFile, FeatureStream, cached_features
from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.specification import Compares
from lia_bench.metrics.suite import LoadedExtractor, Suite, SuiteMetric

ROWS_AT_ONCE = 1024


def generated_features(folder: Path, number: int, model: int, extractor: LoadedExtractor) -> FeatureFile:
    """The features of a model's frames for one animation."""
    path = folder / extractor.identity / f"model-{model}" / f"{number}.float32"
    return FeatureFile(path, extractor.specification.shape)


def keep_true_features(suite: Suite, key: str, length: int, frames: Iterable[Frame]) -> None:
    """Have the features of a clip that stands on the true side of sets, read off `frames` where they are not there.

    Args:
        suite: the metrics, and the size of all frames.
        key: what they are cached by.
        length: how many frames there are.
        frames: uint8 (H, W, 3), of any size.
    """
    size = (suite.setting.height, suite.setting.width)
    of_sets = [metric for metric in suite.metrics if metric.specification.compares is Compares.SETS]
    extractors = dict.fromkeys(metric.extractor for metric in of_sets if metric.extractor is not None)
    missing = [one for one in extractors if cached_features(one, *size, key).read() is None]
    if not missing:
        return
    streams = [FeatureStream(one, cached_features(one, *size, key), length) for one in missing]
    try:
        for scaled in at_sizes(frames, [size]):
            for stream in streams:
                stream.push(eight_bits(to_tensor(scaled[size])[None].to(suite.setting.device)))
    except BaseException:
        for stream in streams:
            stream.abandon()
        raise
    for stream in streams:
        stream.finish()


def set_scores(suite: Suite, run: Run, folder: Path) -> list[SetScore]:
    """For every task, model and metric of sets: the distance, or why there is none, and the numbers of samples."""
    work = [
        (task, model, metric)
        for task in run.plan.tasks
        for model in range(len(run.plan.models))
        for metric in suite.metrics
        if metric.specification.compares is Compares.SETS and any(clip.task == task for clip in run.clips)
    ]
    return (
        [
            _set_score(suite, [clip for clip in run.clips if clip.task == task], folder, task, model, metric)
            for task, model, metric in progress(work, title="distances", unit="set")
        ]
        if work
        else []
    )


def _set_score(
    suite: Suite, clips: Sequence[ClipEntry], folder: Path, task: str, model: int, metric: SuiteMetric
) -> SetScore:
    score = SetScore(task=task, model=model, metric=metric.column, value=None, reason=None)
    extractor, meter = metric.extractor, metric.make()
    if extractor is None or not isinstance(meter, FrechetMetric):
        raise TypeError(f"{metric.specification.name}: a metric of sets needs an extractor and a FrechetMetric")
    # The features of all processes are here.
    meter.distributed_available_fn = lambda: False
    size = (suite.setting.height, suite.setting.width)
    if problems := sum(clip.models[model].problem is not None for clip in clips):
        score.reason = f"on {problems} of {len(clips)} clips, frames hold values that are no numbers"
        return score
    for clip in sorted(clips, key=lambda clip: clip.number):
        files = (
            generated_features(folder, clip.number, model, extractor),
            cached_features(extractor, *size, clip.features_key),
        )
        for file in files:
            if file.read() is None:
                score.reason = f"{file.path} is gone; evaluate anew under another --name"
                return score
        for generated, reference in zip(*map(_parts, files), strict=True):
            meter.to(suite.setting.device)
            meter.update(generated.to(suite.setting.device), reference.to(suite.setting.device))
    value = float(meter.compute())
    score.generated, score.reference = int(meter.generated_count), int(meter.reference_count)
    score.dimensions = len(meter.generated_sum)
    if math.isnan(value):
        score.reason = "a distance between sets needs two samples on each side"
    else:
        score.value = value
    return score


def _parts(file: FeatureFile) -> Iterator[Tensor]:
    rows = file.read()
    if rows is None:
        return
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        yield torch.tensor(rows[begin : begin + ROWS_AT_ONCE])
