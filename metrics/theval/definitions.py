"""The metrics of the protocol `theval`: its eight, what of them a score is made of, and the scores."""

import math

from lia_bench.metrics.specification import Better, Compares, MetricSpecification, Opening, Protocol, opened_by
from lia_bench.metrics.theval.closeness import GROUPS, MEASURES, SCORE, score_of

PROTOCOLS = (Protocol.THEVAL,)
LANDMARKER = "mediapipe"
FACES = "mediapipe-face"
HEARING = "lia_bench.metrics.theval.synchronization:open_hearing"
SPEECH = "silero-vad"
QUALITY = "pyiqa"


def _of_video(
    name: str,
    tool: str,
    extractor: str,
    summary: str,
    open_: Opening,
    decimals: int,
    bounds: tuple[float, float],
    libraries: tuple[str, ...],
    better: Better = "nearer",
) -> MetricSpecification:
    return MetricSpecification(
        name=f"{name}_{tool}",
        alias=name,
        subjects=(),
        summary=summary,
        better=better,
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
    return _of_video(name, "pyiqa", extractor, summary, open_, decimals, (-math.inf, math.inf), (QUALITY,))


def _of_means(column: str, summary: str) -> MetricSpecification:
    return MetricSpecification(
        name=column,
        alias=column,
        subjects=(),
        summary=summary,
        better="higher",
        decimals=4,
        open=opened_by("lia_bench.metrics.theval.closeness:open_closeness", column),
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
