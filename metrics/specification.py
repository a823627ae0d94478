"""What the registry knows of a metric, and what a metric may depend on; torch is imported when a metric is opened."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import FiniteFloat

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.registry import load_attribute

if TYPE_CHECKING:
    import torch

    from lia_bench.metrics.frame_metric import FrameMetric
    from lia_bench.metrics.frechet_metric import FrechetMetric
    from lia_bench.metrics.theval.definitions import Closeness
    from lia_bench.metrics.theval.video_metric import VideoMetric

    Meter: TypeAlias = FrameMetric | FrechetMetric | VideoMetric | Closeness
    """What computes a metric."""

Averaging = Literal["clips", "frames"]
Better = Literal["lower", "higher", "nearer"]
"""Which values of a metric are better; nearer to those of true videos where neither end is."""


class Protocol(StrEnum):
    """How numbers are computed where the literature and a sound definition part (docs/metrics.md lists where).

    `LITERATURE` does what the published evaluation scripts do, quirk by quirk, so that numbers stand beside published
    ones. `STRICT` is the well-defined version: true distances, and frames in which a model lost the subject count
    against it. `THEVAL` looks at each video alone, and at true ones for what its means should be (docs/theval.md).
    """

    LITERATURE = "literature"
    STRICT = "strict"
    THEVAL = "theval"


class UnavailableMetricError(LiaBenchError):
    """A metric that cannot be computed in this setting; the text is the reason its cells stay empty."""


@dataclass(frozen=True)
class ScoringSetting:
    """What all frames of an evaluation have in common.

    Attributes:
        height: in pixels.
        width: in pixels.
        device: where networks run and where the frames lie.
        protocol: the rules that numbers are computed by.
    """

    height: int
    width: int
    device: "torch.device"
    protocol: Protocol = Protocol.LITERATURE


class Compares(StrEnum):
    """What a metric looks at."""

    IMAGES = "images"
    """A generated frame and its true frame, images in [0, 1]."""
    REGIONS = "regions"
    """The same, where an extractor sees a region of the true frame; NaN outside of it."""
    FEATURES = "features"
    """What an extractor says of both."""
    SETS = "sets"
    """What an extractor says of all generated frames together, and of all true ones."""
    VIDEO = "video"
    """What an extractor says of the generated frames alone, in their order, and the video's sound."""
    MEANS = "means"
    """Means over all generated videos, and those over all true ones; nothing is looked at anew."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric of a model on one clip: there are as many as clips, models and metrics multiplied.

    Attributes:
        value: None where no frame could be scored, or where it is infinite.
        weight: of the clip in a mean over the frames of all clips.
        valid_frames, missing_frames: frames behind the value, and frames in which a detector found nothing.
    """

    value: FiniteFloat | None
    weight: FiniteFloat
    valid_frames: int
    missing_frames: int


WITH_TRUE_FRAMES = (Protocol.LITERATURE, Protocol.STRICT)


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
        open: makes, for a setting, what makes a fresh metric, as `opened` hands it over; raises UnavailableMetricError
            where it cannot be had, MissingWeightsError where weights are not here.
            Networks are loaded once, and shared by the metrics made.
        compares: what it looks at.
        extractor: name in the registry of extractors, for metrics of features and sets.
        part: of what the extractor says, where it says several things of a frame.
        region: of the true frame's face that counts, for metrics of regions.
        weights: names of the weights that it needs itself; an extractor's are the extractor's.
        smallest_side: of frames in pixels; smaller ones are refused, whatever else is missing.
        needs: what they are told ("SSIM's window needs sides of at least 11 pixels"); empty tells that number.
        averaging: whether a table's number is the mean over clips, or over frames of all clips, in each protocol.
        of_identity: whether it compares with the source frame where there is no true frame.
        of_motion: whether it compares with the driving frame where there is no true frame.
        of_person: whether it asks who is seen, so that a true frame of another person says nothing.
        bounds: the lowest and the highest value that it can have; what lies beyond was not measured.
        protocols: those that it is measured under.
        libraries: installed packages whose versions its description names.
    """

    name: str
    alias: str
    subjects: tuple[str, ...] | None
    summary: str
    better: Better
    decimals: int
    open: "Opening"
    compares: Compares = Compares.IMAGES
    extractor: str = ""
    part: str = ""
    region: str = ""
    weights: tuple[str, ...] = ()
    smallest_side: int = 0
    needs: str = ""
    averaging: Mapping[Protocol, Averaging] = field(default_factory=lambda: dict.fromkeys(Protocol, "clips"))
    of_identity: bool = False
    of_motion: bool = False
    of_person: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)
    protocols: tuple[Protocol, ...] = WITH_TRUE_FRAMES
    libraries: tuple[str, ...] = ()

    def opened(self, setting: ScoringSetting) -> "Callable[[], Meter]":
        """What makes a fresh metric.

        Raises:
            UnavailableMetricError: the frames are too small for it, or it cannot be had.
            MissingWeightsError: weights are not here.
        """
        if min(setting.height, setting.width) < self.smallest_side:
            needs = self.needs or f"it needs sides of at least {self.smallest_side} pixels"
            raise UnavailableMetricError(f"{needs}: these frames are {setting.width}x{setting.height}")
        return self.open(setting)


Opening = Callable[[ScoringSetting], "Callable[[], Meter]"]


def computed_by(module: str, literature: str, strict: str = "") -> Opening:
    """An `open` that gives a class of a module, imported when called; `strict` names another one for that protocol.

    One whose `of_setting` is true is made of the setting, any other one of nothing.
    """
    return partial(_class, module, literature, strict or literature)


def _class(module: str, literature: str, strict: str, setting: ScoringSetting) -> "Callable[[], Meter]":
    name = strict if setting.protocol is Protocol.STRICT else literature
    kind = load_attribute(f"{module}:{name}")
    make: Callable[[], Meter] = partial(kind, setting) if getattr(kind, "of_setting", False) else kind
    return make


def opened_by(reference: str, *arguments: object) -> Opening:
    """An `open` that is the function 'package.module:function' of `arguments` and the setting, imported when called."""
    return partial(_open, reference, arguments)


def _open(reference: str, arguments: tuple[object, ...], setting: ScoringSetting) -> "Callable[[], Meter]":
    make: Callable[[], Meter] = load_attribute(reference)(*arguments, setting)
    return make
