"""Models by their mean rank over metrics, and how sure that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from lia_bench.leaderboards.board.comparison import Difference, metric_differences
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.board.measured_rows import MeasuredRow, Reports
from lia_bench.leaderboards.results.measurement import Values, resampled_sums
from lia_bench.metrics.registry import METRICS, ordered

EQUAL_DIGITS = 10


@dataclass(frozen=True)
class RankedModel:
    """A model's place.

    Attributes:
        label: what tables call it.
        rank: mean of its ranks; 1 is first in every metric.
        interval: 95 % interval of that mean over clips; None where nothing can be said.
        ranks: metric to rank, 1 for the best; models with equal values share the mean of their places.
    """

    label: str
    rank: float
    interval: tuple[float, float] | None
    ranks: Mapping[str, float]

    def overlaps(self, other: "RankedModel") -> bool:
        """Whether their intervals have a rank in common, so that no difference is shown; also where one has none."""
        if self.interval is None or other.interval is None:
            return True
        return self.interval[0] <= other.interval[1] and other.interval[0] <= self.interval[1]


@dataclass(frozen=True)
class Ranking:
    """The models of a group, those of the best mean rank first.

    Attributes:
        title: what the group is about.
        models: in the order of their mean ranks.
        metrics: that count, each as much as any other.
        of_sets: those among them that have one value for all clips together, so that their ranks have no interval.
        clips: how many all models have in common.
        differences: two models, by their positions in `models`, to their differences in each metric of clips over
            the clips of both; first minus second, of which the first is the earlier one.
        problems: which rows, models and metrics were left out and why, a line each.
    """

    title: str
    models: tuple[RankedModel, ...]
    metrics: tuple[str, ...]
    of_sets: tuple[str, ...]
    clips: int
    differences: Mapping[tuple[int, int], tuple[Difference, ...]]
    problems: tuple[str, ...]


def rank(group: Group, columns: Sequence[str], seed: int, reports: Reports | None = None) -> Ranking:
    """Rank the models of a group by their mean rank over metrics, with a paired bootstrap over clips.

    The clips are those of the `report.json` beside the file of each row, of which all models have the same. Published
    rows have none and are left out, as are models without a value in any metric. The metrics are those of which every
    remaining model has a value that means the same; others are left out and named.

    A metric's value is the mean over the clips on which every model has a value, weighted as the table's mean is: by
    frames, or all alike. In each metric models get ranks from 1, the best; values equal to ten digits share the mean
    of their places (1, 2.5, 2.5, 4). A model's rank is the plain mean of its ranks over metrics.

    Its interval is between the 2.5th and 97.5th percentile of that mean rank in 2000 resamples of the clips with
    replacement. In each resample the same drawn clips serve all models and all metrics, so that neither what is hard
    for all models nor what metrics have in common counts as chance. A metric of sets keeps its one rank in every
    resample, since it has no value of a clip. A resample in which a metric has no clip with values says nothing about
    it: there all models share its places. There is no interval with fewer than two clips, or with metrics of sets
    alone.

    Args:
        group: rows that may be ranked.
        columns: the metrics that may count; columns of other scores do not.
        seed: of the drawn clips.
        reports: those that were read for other groups; what is read for this one is added.
    """
    found, without_clips = (reports or Reports()).behind(group)
    problems = [f"{label}: not ranked, {reason}" for label, reason in without_clips]
    metrics_of = [(one, _metrics_of(one, columns)) for one in found]
    with_values = [one for one, own in metrics_of if own]
    if without := [one.label for one, own in metrics_of if not own]:
        problems.append(f"left out, without any value: {', '.join(without)}")
    if len(with_values) < 2:
        problems.append(f"fewer than two models with values of clips, so there is nothing to rank: {group.title}")
        return Ranking(group.title, (), (), (), 0, {}, tuple(problems))
    everything = ordered(metric for _, own in metrics_of for metric in own)
    reasons = {metric: _why_not(metric, with_values) for metric in everything}
    problems += [f"{metric}: left out, {reason}" for metric, reason in reasons.items() if reason]
    metrics = [metric for metric in everything if not reasons[metric]]
    if not metrics:
        problems.append(f"no metric of which every model has a value, so there is nothing to rank: {group.title}")
        return Ranking(group.title, (), (), (), 0, {}, tuple(problems))
    of_sets = [metric for metric in metrics if _is_of_sets(metric, with_values)]
    of_clips = [metric for metric in metrics if metric not in of_sets]
    clips = _common_clips(with_values)
    ranks = {metric: _ranks(metric, with_values, clips, _sums) for metric in of_clips}
    ranks |= {metric: _ranks_of_sets(metric, with_values) for metric in of_sets}
    intervals = _intervals(with_values, clips, of_clips, ranks, seed)
    models = [
        RankedModel(
            one.label,
            float(np.mean([ranks[metric][place] for metric in metrics])),
            intervals[place],
            {metric: float(ranks[metric][place]) for metric in metrics},
        )
        for place, one in enumerate(with_values)
    ]
    order = sorted(range(len(models)), key=lambda place: models[place].rank)
    measured = [with_values[place].measurement for place in order]
    differences = {
        (first, second): tuple(metric_differences(measured[first], measured[second], of_clips, seed))
        for first, second in combinations(range(len(measured)), 2)
    }
    return Ranking(
        group.title,
        tuple(models[place] for place in order),
        tuple(metrics),
        tuple(of_sets),
        len(clips),
        differences,
        tuple(problems),
    )


def fractional_ranks(scores: Values) -> Values:
    """(..., models) scores, of which the lowest is best, to (..., models) ranks from 1.

    Scores equal to ten digits of the largest share the mean of their places.
    """
    largest = np.abs(scores).max(axis=-1, keepdims=True)
    # The same mean summed in another order differs in its last digits, and must still be a tie.
    rounded = np.round(np.divide(scores, largest, out=np.zeros_like(scores), where=largest > 0), EQUAL_DIGITS)
    mine, others = rounded[..., :, None], rounded[..., None, :]
    ranks: Values = 0.5 + (others < mine).sum(axis=-1) + 0.5 * (others == mine).sum(axis=-1)
    return ranks


def _intervals(
    models: Sequence[MeasuredRow],
    clips: Sequence[tuple[str, str]],
    of_clips: Sequence[str],
    ranks: Mapping[str, Values],
    seed: int,
) -> list[tuple[float, float] | None]:
    if len(clips) < 2 or not of_clips:
        return [None] * len(models)
    total = sum(own for metric, own in ranks.items() if metric not in of_clips)
    for metric in of_clips:
        total = total + _ranks(metric, models, clips, partial(resampled_sums, seed=seed))
    low, high = np.percentile(total / len(ranks), (2.5, 97.5), axis=0)
    return [(float(below), float(above)) for below, above in zip(low, high, strict=True)]


def _sums(columns: Sequence[Values]) -> list[Values]:
    """Of each column, (clips, models), the sums over all clips, (models,)."""
    return [np.ones(len(column)) @ column for column in columns]


def _ranks(
    metric: str,
    models: Sequence[MeasuredRow],
    clips: Sequence[tuple[str, str]],
    sums: Callable[[Sequence[Values]], Sequence[Values]],
) -> Values:
    """(..., models) ranks of the means over clips; `sums` gives (..., models) of each column (clips, models)."""
    tables = [one.measurement.by_clip(metric) for one in models]
    cells = np.zeros((2, len(clips), len(models)))
    for number, clip in enumerate(clips):
        if all(clip in table for table in tables):
            cells[:, number] = np.transpose([table[clip] for table in tables])
    values, weights = cells
    weighted, totals = sums([values * weights, weights])
    means = np.divide(weighted, totals, out=np.zeros_like(totals), where=totals > 0)
    return fractional_ranks(means if _lower_is_better(metric, models) else -means)


def _ranks_of_sets(metric: str, models: Sequence[MeasuredRow]) -> Values:
    values = np.array([one.measurement.value(metric) for one in models], dtype=np.float64)
    return fractional_ranks(values if _lower_is_better(metric, models) else -values)


def _lower_is_better(metric: str, models: Sequence[MeasuredRow]) -> bool:
    return METRICS[models[0].meaning(metric).definition].better == "lower"


def _metrics_of(one: MeasuredRow, columns: Sequence[str]) -> list[str]:
    own = one.measurement
    return [name for name in own.run.plan.metrics if name in columns and own.value(name) is not None]


def _is_of_sets(metric: str, models: Sequence[MeasuredRow]) -> bool:
    return models[0].measurement.of_sets(metric) is not None


def _why_not(metric: str, models: Sequence[MeasuredRow]) -> str:
    """Why a metric cannot count; empty where it can."""
    if without := [one.label for one in models if one.measurement.value(metric) is None]:
        return f"no value of {', '.join(without)}"
    if any(one.meaning(metric) != models[0].meaning(metric) for one in models):
        return "not measured alike for all models"
    definition = models[0].meaning(metric).definition
    if definition not in METRICS:
        return f"there is no metric '{definition}' here; is a plug-in missing?"
    if METRICS[definition].better == "nearer":
        return "what is near true videos is better, so its score ranks"
    if _is_of_sets(metric, models):
        samples = {one.measurement.counts(metric)[0] for one in models}
        return "" if len(samples) == 1 else "from sets of different sizes, which bias it differently"
    if not set.intersection(*(set(one.measurement.by_clip(metric)) for one in models)):
        return "no clip on which every model has a value"
    return ""


def _common_clips(models: Sequence[MeasuredRow]) -> list[tuple[str, str]]:
    """The clips that every model rendered, by source and driving clip, sorted so that the seed alone decides."""
    own = ({(clip.source, clip.clip) for clip in one.measurement.clips} for one in models)
    return sorted(set.intersection(*own))
