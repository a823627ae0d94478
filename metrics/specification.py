"""What the registry knows of a metric."""

from dataclasses import dataclass
from typing import Literal

from lia_bench.metrics.scorer import FrameScorer


@dataclass(frozen=True)
class MetricSpecification:
    """A metric's entry.

    Attributes:
        name: the column of result tables.
        summary: one line: definition and unit.
        better: which values are better.
        decimals: digits after the point in printed tables.
        scorer: the class that computes it; metrics that share a class share one pass over the frames.
    """

    name: str
    summary: str
    better: Literal["lower", "higher"]
    decimals: int
    scorer: type[FrameScorer]
