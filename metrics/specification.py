"""What the registry knows of a metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from lia_bench.metrics.protocols import Protocol

if TYPE_CHECKING:
    from lia_bench.metrics.frame_metric import FrameMetric
    from lia_bench.metrics.frechet_metric import FrechetMetric
    from lia_bench.metrics.setting import ScoringSetting

Averaging = Literal["clips", "frames"]


class Compares(StrEnum):
    """What a metric looks at."""

    IMAGES = "images"
    """A generated frame and its true frame, images in [0, 1]."""
    FEATURES = "features"
    """What an extractor says of both."""
    SETS = "sets"
    """What an extractor says of all generated frames together, and of all true ones."""


@dataclass(frozen=True)
class MetricSpecification:
    """A metric's entry.

    Attributes:
        name: its id, which says what the number depends on ("akd_openpose").
        alias: the plain name that it is one definition of ("akd"); the id itself where there is one definition.
        subjects: what the clips have to show for the alias to mean this definition ("face", "body", "sample"); empty
            where it does not matter, None where the alias never means it.
        summary: one line: definition and unit.
        better: which values are better.
        decimals: digits after the point in printed tables.
        open: makes, for a setting, what makes a fresh metric; raises UnavailableMetricError where it cannot be had,
            MissingWeightsError where weights are not here.
            Networks are loaded once, and shared by the metrics made.
        compares: what it looks at.
        extractor: name in the registry of extractors, for metrics of features and sets.
        weights: names of the weights that it needs itself; an extractor's are the extractor's.
        averaging: whether a table's number is the mean over clips, or over frames of all clips, in each protocol.
        of_identity: whether it compares with the source frame where there is no true frame.
    """

    name: str
    alias: str
    subjects: tuple[str, ...] | None
    summary: str
    better: Literal["lower", "higher"]
    decimals: int
    open: "Callable[[ScoringSetting], Callable[[], FrameMetric | FrechetMetric]]"
    compares: Compares = Compares.IMAGES
    extractor: str = ""
    weights: tuple[str, ...] = ()
    averaging: Mapping[Protocol, Averaging] = field(default_factory=lambda: dict.fromkeys(Protocol, "clips"))
    of_identity: bool = False
