"""The metrics of the protocol `theval`, and its scores: how near the means of a method are to those of real videos."""

import math
from collections.abc import Callable, Mapping

from lia_bench.core.errors import InputError
from lia_bench.metrics.specification import (
    Compares,
    MetricSpecification,
    Opening,
    Protocol,
    ScoringSetting,
    opened_by,
)

QUALITY = ("global_aesthetics", "mouth_quality", "face_quality")
NATURALNESS = ("lip_dynamics", "head_motion", "eyebrow_dynamics")
SYNCHRONIZATION = ("silent_lip_stability", "lip_sync")
MEASURES = (*QUALITY, *NATURALNESS, *SYNCHRONIZATION)
"""The eight metrics, in the paper's order."""

SCORE = "theval_score"
"""The mean of all eight."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "video_quality_score": QUALITY,
    "naturalness_score": NATURALNESS,
    "synchronization_score": SYNCHRONIZATION,
    SCORE: MEASURES,
}
"""Column of a mean of scores to the metrics behind it."""


def score_of(measure: str) -> str:
    """The column of a metric's score."""
    return f"{measure}_score"


COLUMNS = (*MEASURES, *(score_of(measure) for measure in MEASURES), *GROUPS)
"""All that the protocol has, in the order of the columns of result tables."""


def measures_behind(column: str) -> tuple[str, ...]:
    """The metrics that a score is made of; none for what is no score."""
    alone = {score_of(measure): (measure,) for measure in MEASURES}
    return (alone | dict(GROUPS)).get(column, ())


def closeness(value: float, truth: float) -> float | None:
    """1 - |value - truth| / |truth|: 1 at the truth, negative above twice of it; None where the truth is 0."""
    return 1 - abs(value - truth) / abs(truth) if truth else None


def scores(values: Mapping[str, float], truth: Mapping[str, float]) -> tuple[dict[str, float], dict[str, str]]:
    """Every score that can be had of a method's means, and why each of the others cannot.

    Args:
        values: metric to the method's mean over its videos.
        truth: metric to the mean over real videos, measured with the same tools.

    Returns:
        column to score, and column to reason. A mean of scores has none where one of its metrics lacks one.
    """
    found: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for measure in MEASURES:
        own, real = values.get(measure), truth.get(measure)
        score = closeness(own, real) if own is not None and real is not None else None
        if score is not None:
            found[score_of(measure)] = score
        elif own is None:
            reasons[score_of(measure)] = "its metric has no value"
        else:
            said = "no value" if real is None else "the value 0"
            reasons[score_of(measure)] = f"its metric has {said} of the true videos"
    for column, measures in GROUPS.items():
        behind = [found[score_of(measure)] for measure in measures if score_of(measure) in found]
        if len(behind) == len(measures):
            found[column] = sum(behind) / len(measures)
        else:
            reasons[column] = "a mean of scores of which some are missing"
    return found, reasons


class Closeness:
    """One of the protocol's scores, of means that are known."""

    def __init__(self, column: str) -> None:
        self.column = column

    def score(self, values: Mapping[str, float], truth: Mapping[str, float]) -> tuple[float | None, str]:
        """The score, or None and the reason; the arguments are those of `scores`."""
        found, reasons = scores(values, truth)
        return found.get(self.column), reasons.get(self.column, "")


def open_closeness(column: str, setting: ScoringSetting) -> Callable[[], Closeness]:
    """What makes the score of a column."""
    return lambda: Closeness(column)


def check_same_tools(tools: Mapping[str, str], tools_of_truth: Mapping[str, str]) -> None:
    """Raise InputError where a metric was measured with other tools than the truth that it is held against.

    Args:
        tools: metric to the networks behind a method's values, as result tables name them.
        tools_of_truth: likewise of the real videos; the published values say nothing of theirs.
    """
    for measure, own in tools.items():
        theirs = tools_of_truth.get(measure)
        if theirs != own:
            raise InputError(
                f"{measure}: measured with {own} and the true videos with {theirs or 'tools that nobody names'}: "
                "values of other tools differ by more than methods do; measure the true videos here, with --reference"
            )


PROTOCOLS = (Protocol.THEVAL,)
LANDMARKER = "mediapipe"
FACES = "mediapipe-face"
HEARING = "lia_bench.metrics.theval.synchronization:open_hearing"
SPEECH = "silero-vad"
PICTURES = "pyiqa"


def _of_video(
    name: str,
    tool: str,
    extractor: str,
    summary: str,
    open_: Opening,
    decimals: int,
    bounds: tuple[float, float],
    libraries: tuple[str, ...],
) -> MetricSpecification:
    return MetricSpecification(
        name=f"{name}_{tool}",
        alias=name,
        subjects=(),
        summary=summary,
        better="nearer",
        decimals=decimals,
        open=open_,
        compares=Compares.VIDEO,
        extractor=extractor,
        bounds=bounds,
        protocols=PROTOCOLS,
        libraries=libraries,
    )


def _of_face(
    name: str, summary: str, metric: str, decimals: int, hears: bool = False, most: float = math.inf
) -> MetricSpecification:
    kind = f"lia_bench.metrics.theval.{'synchronization' if hears else 'naturalness'}:{metric}"
    open_ = opened_by(HEARING, kind) if hears else opened_by("lia_bench.metrics.theval.video_metric:open_video", kind)
    libraries = (LANDMARKER, SPEECH) if hears else (LANDMARKER,)
    return _of_video(name, "mediapipe", FACES, summary, open_, decimals, (0.0, most), libraries)


def _of_quality(name: str, extractor: str, summary: str, decimals: int) -> MetricSpecification:
    open_ = opened_by(
        "lia_bench.metrics.theval.video_metric:open_video", "lia_bench.metrics.theval.video_metric:FrameQuality"
    )
    return _of_video(name, "pyiqa", extractor, summary, open_, decimals, (-math.inf, math.inf), (PICTURES,))


def _of_means(column: str, summary: str) -> MetricSpecification:
    return MetricSpecification(
        name=column,
        alias=column,
        subjects=(),
        summary=summary,
        better="higher",
        decimals=4,
        open=opened_by("lia_bench.metrics.theval.definitions:open_closeness", column),
        compares=Compares.MEANS,
        bounds=(-math.inf, 1.0),
        protocols=PROTOCOLS,
    )


THEVAL = (
    _of_quality("global_aesthetics", "pyiqa-aesthetics", "aesthetics of the frames from 1 to 10, TOPIQ-IAA", 4),
    _of_quality("mouth_quality", "pyiqa-mouth", "quality of the mouth's picture, about 0 to 100, MUSIQ", 3),
    _of_quality("face_quality", "pyiqa-face", "quality of the face's picture, about 0 to 1, TOPIQ-NR-Face", 4),
    _of_face(
        "lip_dynamics",
        "mean standard deviation over frames of the 780 distances of lip points, in 1/256 of the picture",
        "LipDynamics",
        4,
    ),
    _of_face(
        "head_motion",
        "how lively and smoothly the head turns and how far it wanders, in degrees and pixels",
        "HeadMotion",
        3,
    ),
    _of_face(
        "eyebrow_dynamics",
        "mean change of the distances of brow and eye from frame to frame, in distances of the eyes",
        "EyebrowDynamics",
        6,
    ),
    _of_face(
        "silent_lip_stability",
        "median deviation of the mouth's gap from its mean while nothing is said, in distances of the eyes",
        "SilentLipStability",
        4,
        hears=True,
    ),
    _of_face(
        "lip_sync",
        "mean difference of the mouth's opening and the loudness in speech, both scaled to 0..1",
        "LipSync",
        4,
        hears=True,
        most=1.0,
    ),
    *(
        _of_means(score_of(name), f"1 less the relative distance of {name} from that of true videos")
        for name in MEASURES
    ),
    *(_of_means(column, f"mean score of {', '.join(names)}") for column, names in GROUPS.items() if column != SCORE),
    _of_means(SCORE, "mean of all eight scores: how near the videos are to true ones"),
)
