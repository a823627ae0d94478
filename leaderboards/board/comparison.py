"""Two models over the same clips: differences, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.results.measurement import Measurement, measurements, resampled_means, weighted_mean
from lia_bench.leaderboards.results.report_file import REPORT, read_report
from lia_bench.metrics.registry import METRICS, ordered
from lia_bench.metrics.specification import Better


@dataclass(frozen=True)
class Difference:
    """A metric of two models over the clips on which both have a value.

    Attributes:
        task: 'reconstruction' or 'cross'.
        metric: the column.
        better: which values are better.
        clips: how many.
        first: mean of the first model over those clips.
        second: mean of the second.
        interval: 95 % interval of first minus second; None with fewer than two clips.
    """

    task: str
    metric: str
    better: Better
    clips: int
    first: float
    second: float
    interval: tuple[float, float] | None

    @property
    def shown(self) -> str | None:
        """'first' or 'second', whichever is better; None where the interval includes no difference, or neither is."""
        if self.better == "nearer" or self.interval is None or self.interval[0] <= 0 <= self.interval[1]:
            return None
        return "first" if (self.interval[1] < 0) == (self.better == "lower") else "second"


@dataclass(frozen=True)
class Comparison:
    """What two models of a results folder differ in, and why a task is not compared."""

    folder: Path
    first: str
    second: str
    differences: tuple[Difference, ...]
    problems: tuple[str, ...]


def compare_models(first: str, second: str, results: Path, name: str | None) -> Comparison:
    """Compare two models, named as the table calls them, over the clips that both have.

    Raises:
        InputError: no such folder of results, or no clip that both models have.
        UnknownNameError: a model that the table does not have.
    """
    folder = results_folder(results, name)
    report = read_report(folder)
    labels = list(dict.fromkeys(measurement.label for measurement in measurements(report)))
    for label in (first, second):
        if label not in labels:
            raise UnknownNameError(f"{folder}: {unknown('model', label, labels)}")
    differences: list[Difference] = []
    problems: list[str] = []
    for mine in measurements(report):
        for theirs in measurements(report):
            same = (mine.task, mine.transfer) == (theirs.task, theirs.transfer)
            if same and (mine.label, theirs.label) == (first, second):
                failed = [line for side in (mine, theirs) for line in _failures(side)]
                problems += failed
                metrics = [] if failed else ordered(report.setting.metrics)
                differences += metric_differences(mine, theirs, metrics, report.setting.seed)
    if not differences and not problems:
        raise InputError(f"{folder}: {first} and {second} have no clip with a value of the same metric")
    return Comparison(folder, first, second, tuple(differences), tuple(dict.fromkeys(problems)))


def _failures(measurement: Measurement) -> list[str]:
    return [f"{measurement.task}: {measurement.label} failed on {problem}" for problem in measurement.problems()]


def metric_differences(mine: Measurement, theirs: Measurement, metrics: Sequence[str], seed: int) -> list[Difference]:
    """The differences, first minus second, of those metrics that mean the same to both and have clips in common."""
    found = []
    for metric in metrics:
        plans = [measurement.run.plan.metrics.get(metric) for measurement in (mine, theirs)]
        # What another extractor or another file of weights says is another number.
        if plans[0] is None or plans[0] != plans[1]:
            continue
        ours, others = mine.by_clip(metric), theirs.by_clip(metric)
        both = [clip for clip in ours if clip in others]
        if both:
            pairs = [(ours[clip], others[clip]) for clip in both]
            found.append(_difference(mine.task, metric, METRICS[plans[0].definition].better, pairs, seed))
    return found


def _difference(
    task: str,
    metric: str,
    better: Better,
    pairs: Sequence[tuple[tuple[float, float], tuple[float, float]]],
    seed: int,
) -> Difference:
    """`pairs` are value and weight of the first and of the second, a pair a clip."""
    first, second = ([pair[side][0] for pair in pairs] for side in (0, 1))
    mine, theirs = ([pair[side][1] for pair in pairs] for side in (0, 1))
    return Difference(
        task,
        metric,
        better,
        len(pairs),
        weighted_mean(first, mine),
        weighted_mean(second, theirs),
        paired_interval(first, second, list(zip(mine, theirs, strict=True)), seed),
    )


def paired_interval(
    first: Sequence[float], second: Sequence[float], weights: Sequence[tuple[float, float]], seed: int
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the difference of two weighted means over the same clips, first minus second.

    Both means are taken over the same drawn clips, so that what makes a clip hard for both cancels out.
    """
    if len(first) < 2:
        return None
    mine, theirs = zip(*weights, strict=True)
    low, high = np.percentile(resampled_means(first, mine, seed) - resampled_means(second, theirs, seed), (2.5, 97.5))
    return float(low), float(high)


def results_folder(results: Path, name: str | None) -> Path:
    """The folder `name` of results, or the only one there; InputError where it holds none."""
    if name is not None:
        if not (results / name / REPORT).is_file():
            raise InputError(f"{results / name}: holds no {REPORT}; `lia-bench evaluate` and `score` write it")
        return results / name
    there = sorted(path.parent.name for path in results.glob(f"*/{REPORT}"))
    if len(there) != 1:
        listed = f": name one with --name: {', '.join(there)}" if there else "; `lia-bench evaluate` makes them"
        raise InputError(f"{len(there)} folders of results in {results}{listed}")
    return results / there[0]
