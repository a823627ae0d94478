"""What a report has measured: a model on a task, its numbers, how sure they are and why one is missing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lia_bench.leaderboards.results.report import Cell, ClipEntry, ModelResult, PlannedModel, Report, Run, SetScore
from lia_bench.metrics.registry import ordered
from lia_bench.metrics.specification import Score

RESAMPLES = 2000
AT_ONCE = 25
"""So many resamples are summed at once: few enough for a core's cache, and for memory not to grow."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """A model on a task: all its clips of one run.

    Attributes:
        run: the report's entry.
        index: position of the model in the run's plan, and of its scores in every clip's entry.
        task: 'reconstruction' or 'cross'.
        clips: entries of the finished clips, in the order they are to be listed; at least one.
        label: what tables call the model; unique among measurements of a task.
        model: label, name, variant, checkpoint and its hash.
        transfer: how motion was to be transferred, by every model that knows that mode; empty where nobody knows.
        own_transfer: how this model transferred motion.
        date: when the last of its clips was measured.
        frames: of all clips.
        frames_per_second: that the model alone rendered, over all clips; None where nobody took the time.
    """

    run: Run
    index: int
    task: str
    clips: Sequence[ClipEntry]
    label: str
    model: PlannedModel
    transfer: str
    own_transfer: str
    date: str
    frames: int
    frames_per_second: float | None

    def metrics(self) -> list[str]:
        """The columns that the run was to measure, whether or not they could be had."""
        return ordered([*self.run.plan.metrics, *self.run.unavailable])

    def results(self) -> list[ModelResult]:
        """This model's part of every clip: seconds and scores."""
        return [clip.models[self.index] for clip in self.clips]

    def scores(self, metric: str) -> list[Score]:
        """The metric on every clip that has a value."""
        return [score for score in self.scored(metric) if score.value is not None]

    def by_clip(self, metric: str) -> dict[tuple[str, str], tuple[float, float]]:
        """Value and weight of the metric on every clip that has a value, by the names of source and driving clip."""
        by_frames = self._counts_frames(metric)
        scores = ((clip, clip.models[self.index].scores.get(metric)) for clip in self.clips)
        return {
            (clip.source, clip.clip): (score.value, score.weight if by_frames else 1.0)
            for clip, score in scores
            if score is not None and score.value is not None
        }

    def of_sets(self, metric: str) -> SetScore | None:
        """What is known of a metric of sets: value, reason, numbers of samples; None of a metric of frames."""
        entries = self.run.sets.scores if self.run.sets else ()
        wanted = (self.task, self.index, metric)
        return next((entry for entry in entries if (entry.task, entry.model, entry.metric) == wanted), None)

    def problems(self) -> list[str]:
        """The clips whose frames could not be scored, each with the reason."""
        pairs = zip(self.clips, self.results(), strict=True)
        return [f"{clip.clip}: {result.problem}" for clip, result in pairs if result.problem is not None]

    def value(self, metric: str) -> float | None:
        """The table's number; None where there is none, or where the model failed on a clip."""
        entry = self.of_sets(metric)
        if entry is not None:
            return entry.value
        values, weights = self._weighted(metric)
        return weighted_mean(values, weights) if values and not self.problems() else None

    def interval(self, metric: str, seed: int) -> tuple[float, float] | None:
        """95 % interval of the table's number over clips; None where nothing can be said, and for sets."""
        if self.value(metric) is None or self.of_sets(metric) is not None:
            return None
        return bootstrap_interval(*self._weighted(metric), seed)

    def counts(self, metric: str) -> tuple[int, int]:
        """Frames (of sets: samples) behind the number, and frames left out.

        Left out are frames in which a detector found nothing, and all frames of a clip that has no value, since it
        equals its reference and PSNR is infinite there.
        """
        entry = self.of_sets(metric)
        if entry is not None:
            return entry.generated or 0, 0
        scores = self.scored(metric)
        valid = sum(score.valid_frames for score in scores if score.value is not None)
        return valid, sum(score.valid_frames + score.missing_frames for score in scores) - valid

    def infinite_clips(self, metric: str) -> int:
        """How many clips were scored and have no value: they equal their references."""
        return sum(score.value is None and score.valid_frames > 0 for score in self.scored(metric))

    def reasons(self, metric: str) -> Counter[str]:
        """Why clips have no value, where the metric says so or they are too short for it, and how many each."""
        said = (self._why_without(result, metric) for result in self.results())
        return Counter(reason for reason in said if reason)

    def cell(self, metric: str) -> Cell:
        """Counts of clips and frames behind one number, and why there is none."""
        valid, missing = self.counts(metric)
        return Cell(
            model=self.label,
            checkpoint_sha256=self.model.checkpoint_sha256,
            task=self.task,
            transfer=self.own_transfer,
            metric=metric,
            clips=len(self.clips),
            clips_with_a_value=len(self.scores(metric)),
            valid_frames=valid,
            missing_frames=missing,
            reason=self._reason(metric) if self.value(metric) is None else None,
        )

    def scored(self, metric: str) -> list[Score]:
        """The metric on every clip that was scored by it, with a value or without."""
        return [result.scores[metric] for result in self.results() if metric in result.scores]

    def _why_without(self, result: ModelResult, metric: str) -> str:
        if said := (result.reasons or {}).get(metric):
            return said
        score = result.scores.get(metric)
        empty = score is not None and score.value is None and score.valid_frames + score.missing_frames == 0
        return "too short: it looks at several frames at once" if empty else ""

    def _weighted(self, metric: str) -> tuple[list[float], list[float]]:
        """Values on clips, and how much each counts: by its frames, or all alike."""
        pairs = self.by_clip(metric).values()
        return [value for value, _ in pairs], [weight for _, weight in pairs]

    def _counts_frames(self, metric: str) -> bool:
        """Whether a clip counts by its frames in the metric's mean."""
        return metric in self.run.plan.metrics and self.run.plan.metrics[metric].averaging == "frames"

    def _reason(self, metric: str) -> str:
        if metric in self.run.unavailable:
            return self.run.unavailable[metric]
        entry = self.of_sets(metric)
        if entry is not None:
            return entry.reason or "there is no distance"
        if problems := self.problems():
            more = f" (and {len(problems) - 1} clips more)" if len(problems) > 1 else ""
            return f"the model failed on {problems[0]}{more}"
        if metric not in self.run.plan.metrics:
            return "not measured in this run"
        if self.run.plan.metrics[metric].of_sets:
            return "measured when all clips are done"
        if reasons := self.reasons(metric):
            return "; ".join(f"{reason} (clips: {count} of {len(self.clips)})" for reason, count in reasons.items())
        scores = self.scored(metric)
        if not scores:
            return "another person's video drives, so there is no true frame to compare with"
        if self.infinite_clips(metric):
            return "infinite on every clip: the frames equal their references"
        return "no frame could be scored: nothing was found in the true frames, or in none of the generated ones"


@dataclass(frozen=True)
class MetricSummary:
    """The table's number of a metric, and what stands behind it.

    Attributes:
        value: None where there is none, or where the model failed on a clip.
        interval: 95 % over clips; None where nothing can be said, and for sets.
        cell: counts of clips and frames, and why there is no number.
        undetected_frames: left out since a detector found nothing there.
        infinite_clips: that were scored and have no value, since they equal their references.
        reasons: why clips have no value, where the metric says so, and how many each.
        of_sets: what is known of a metric of sets; None of a metric of frames.
    """

    value: float | None
    interval: tuple[float, float] | None
    cell: Cell
    undetected_frames: int
    infinite_clips: int
    reasons: Mapping[str, int]
    of_sets: SetScore | None


@dataclass(frozen=True)
class Summary:
    """All that tables say of a measurement, worked out at once.

    Attributes:
        measurement: of all its clips.
        metrics: a metric's column to its number, of all metrics of the report.
        clips: what the measurement would be of each clip alone, in their order.
    """

    measurement: Measurement
    metrics: Mapping[str, MetricSummary]
    clips: Sequence[Measurement]


def summaries(report: Report) -> list[Summary]:
    """Every measurement with its numbers; intervals are drawn with the report's seed."""
    metrics, seed = ordered(report.setting.metrics), report.setting.seed
    return [
        Summary(
            one,
            {metric: _summary(one, metric, seed) for metric in metrics},
            [_measurement(one.run, one.index, one.task, [clip], one.label) for clip in one.clips],
        )
        for one in measurements(report)
    ]


def measurements(report: Report) -> list[Measurement]:
    """One a model, checkpoint and task; of several runs the one with more clips, then the newest."""
    best: dict[tuple[str, ...], Measurement] = {}
    for run in report.runs:
        for task, transfer in run.plan.tasks.items():
            clips = sorted((clip for clip in run.clips if clip.task == task), key=lambda clip: clip.number)
            for index, model in enumerate(run.plan.models):
                key = (task, model.model, model.variant, model.checkpoint_sha256, transfer)
                if clips and (key not in best or len(clips) >= len(best[key].clips)):
                    best.pop(key, None)
                    best[key] = _measurement(run, index, task, clips, model.label)
    namesakes: dict[tuple[str, str, str], list[Measurement]] = {}
    for one in (found := sorted(best.values(), key=lambda one: one.task != "reconstruction")):
        namesakes.setdefault((one.task, one.transfer, one.label), []).append(one)
    return [_told_apart(one, namesakes[one.task, one.transfer, one.label]) for one in found]


def _measurement(run: Run, index: int, task: str, clips: Sequence[ClipEntry], label: str) -> Measurement:
    model, transfer = run.plan.models[index], run.plan.tasks[task]
    frames, seconds = sum(clip.frames for clip in clips), sum(clip.models[index].seconds for clip in clips)
    return Measurement(
        run,
        index,
        task,
        clips,
        label,
        model=model,
        transfer=transfer,
        own_transfer=model.transfers.get(task, transfer),
        date=max(clip.date for clip in clips),
        frames=frames,
        frames_per_second=frames / seconds if seconds > 0 else None,
    )


def _summary(one: Measurement, metric: str, seed: int) -> MetricSummary:
    return MetricSummary(
        value=one.value(metric),
        interval=one.interval(metric, seed),
        cell=one.cell(metric),
        undetected_frames=sum(score.missing_frames for score in one.scored(metric)),
        infinite_clips=one.infinite_clips(metric),
        reasons=one.reasons(metric),
        of_sets=one.of_sets(metric),
    )


def _told_apart(measurement: Measurement, namesakes: Sequence[Measurement]) -> Measurement:
    """With its run, file or the first digits of its hash in the label, where others of the task have the same."""
    if len(namesakes) == 1:
        return measurement
    forms = zip(*(_forms(other.model) for other in namesakes), strict=True)
    number = next((place for place, form in enumerate(forms) if len(set(form)) == len(form)), -1)
    return replace(measurement, label=f"{measurement.label}{_forms(measurement.model)[number]}")


def _forms(model: PlannedModel) -> tuple[str, str, str]:
    """What may stand behind a label: the run of a checkpoint or its file, the run with the step, or the hash."""
    path, digits = Path(model.checkpoint), f"#{model.checkpoint_sha256[:8]}"
    run = path.parents[1].name if path.parent.name == "checkpoints" else ""
    return (f"@{run or path.name}", f"@{run}/{path.name}", digits) if path.name else (digits, digits, digits)


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Sum of weighted values over the sum of weights."""
    return float(np.dot(values, weights) / np.sum(weights))


def bootstrap_interval(values: Sequence[float], weights: Sequence[float], seed: int) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the weighted mean (Efron, 1979), drawing clips with replacement.

    A mean over the frames of all clips has each clip's frames for its weight. None with fewer than two values, where
    nothing can be said.

    >>> bootstrap_interval([1.0, 1.0, 1.0], weights=[10, 20, 30], seed=0)
    (1.0, 1.0)
    >>> low, high = bootstrap_interval([0.0, 1.0] * 50, weights=[1] * 100, seed=0)
    >>> 0.35 < low < 0.45 and 0.55 < high < 0.65
    True
    """
    if len(values) < 2:
        return None
    low, high = np.percentile(resampled_means(values, weights, seed), (2.5, 97.5))
    return float(low), float(high)


def resampled_sums(columns: Sequence[Values], seed: int) -> list[Values]:
    """Of each column, (clips,) or (clips, models), its sums over drawn clips, (RESAMPLES,) or (RESAMPLES, models).

    Every resample has as many draws with replacement as there are clips, the same for the same seed and number of
    clips, whatever is summed.
    """
    counts = _drawn_clips(len(columns[0]), seed)
    sums = [np.empty((RESAMPLES, *column.shape[1:])) for column in columns]
    for begin in range(0, RESAMPLES, AT_ONCE):
        block = counts[begin : begin + AT_ONCE].astype(np.float64)
        for own, column in zip(sums, columns, strict=True):
            own[begin : begin + AT_ONCE] = block @ column
    return sums


@lru_cache(maxsize=2)
def _drawn_clips(clips: int, seed: int) -> NDArray[np.uint16]:
    """(RESAMPLES, clips) how often each clip is in each resample."""
    # Kept for the next metric, model or pair of models over the same clips; in numbers of eight bytes those of
    # thousands of clips would fill a hundred megabytes.
    random = np.random.default_rng(seed)
    counts = np.empty((RESAMPLES, clips), dtype=np.uint16)
    for own in counts:
        own[:] = np.bincount(random.integers(clips, size=clips), minlength=clips)
    counts.setflags(write=False)
    return counts


def resampled_means(values: Sequence[float], weights: Sequence[float], seed: int) -> Values:
    """(RESAMPLES,) weighted means over drawn clips."""
    own = np.asarray(weights, dtype=np.float64)
    totals, counted = resampled_sums([np.multiply(values, own), own], seed)
    return np.divide(totals, counted)
