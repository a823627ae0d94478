"""Which of the metrics asked for can be had, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.scorer import FrameScorer, ScoringSetting, UnavailableMetricError


@dataclass(frozen=True)
class Scorers:
    """What scores frames.

    Attributes:
        scorers: one for each kind that the metrics need.
        extractors: for each metric that can be had, the network or reader behind it; empty where there is none.
        unavailable: for each metric that cannot be had, the reason.
    """

    scorers: tuple[FrameScorer, ...]
    extractors: dict[str, str]
    unavailable: dict[str, str]


def open_scorers(metrics: Sequence[str], setting: ScoringSetting) -> Scorers:
    """The scorers for `metrics`, networks loaded.

    Raises:
        UnknownNameError: a metric that there is not.
        CheckpointError: a file of weights is not the published one.
    """
    opened: dict[type[FrameScorer], FrameScorer] = {}
    extractors: dict[str, str] = {}
    unavailable: dict[str, str] = {}
    for name in metrics:
        kind = METRICS[name].scorer
        try:
            if kind not in opened:
                opened[kind] = kind(setting)
            extractors[name] = kind.extractor
        except UnavailableMetricError as error:
            unavailable[name] = str(error)
    return Scorers(tuple(opened.values()), extractors, unavailable)
