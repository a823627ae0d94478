"""The definitions of the measures of motion and of faces."""

from lia_bench.metrics.specification import Compares, MetricSpecification, computed_by, opened_by

LANDMARKER = "mediapipe-face"
MARKS = "sample-marks"

FACE_REGIONS = {
    "face": "inside the hull of the true frame's face points",
    "eyes": "inside the hulls of the true frame's eyes with their lids",
    "mouth": "inside the hull of the true frame's lips",
    "background": "outside the hull of the true frame's face points",
}


def _of_motion(
    alias: str,
    extractor: str,
    part: str,
    summary: str,
    module: str,
    opened: str,
    *,
    bounds: tuple[float, float],
    decimals: int,
) -> MetricSpecification:
    """One that compares with the driving frame where there is no true one."""
    name, subject = ("mediapipe", "face") if extractor == LANDMARKER else ("sample", "sample")
    return MetricSpecification(
        name=f"{alias}_{name}",
        alias=alias,
        subjects=(subject,),
        summary=summary,
        better="lower",
        decimals=decimals,
        open=opened_by(f"lia_bench.metrics.motion.{module}:{opened}"),
        compares=Compares.FEATURES,
        extractor=extractor,
        part=part,
        of_motion=True,
        bounds=bounds,
    )


def _pose_error(extractor: str, part: str, source: str, opened: str) -> MetricSpecification:
    summary = f"degrees between the head rotations {source}; in relative transfer, between what changed of them"
    return _of_motion("pose_error", extractor, part, summary, "head_pose", opened, bounds=(0.0, 180.0), decimals=2)


def _jitter(extractor: str, points: str) -> MetricSpecification:
    summary = f"difference of second differences of {points}, in per cent of the face's size"
    return _of_motion(
        "jitter", extractor, "points", summary, "jitter", "open_jitter", bounds=(0.0, float("inf")), decimals=3
    )


def _l1_of(region: str, where: str) -> MetricSpecification:
    return MetricSpecification(
        name=f"l1_{region}_mediapipe",
        alias=f"l1_{region}",
        subjects=("face",),
        summary=f"mean absolute difference of images in [0, 1] {where}",
        better="lower",
        decimals=4,
        open=computed_by("lia_bench.metrics.motion.face_regions", "RegionL1"),
        compares=Compares.REGIONS,
        extractor=LANDMARKER,
        region=region,
        bounds=(0.0, 1.0),
    )


DEFINITIONS = (
    _pose_error(LANDMARKER, "pose", "that MediaPipe sees", "open_mediapipe_pose_error"),
    _pose_error(MARKS, "points", "that the sample dataset's marks show", "open_sample_pose_error"),
    _of_motion(
        "expression_error",
        LANDMARKER,
        "expression",
        "mean absolute difference of MediaPipe's 52 blendshapes; in relative transfer, of their changes",
        "expression",
        "open_expression_error",
        bounds=(0.0, 1.0),
        decimals=4,
    ),
    _jitter(LANDMARKER, "478 face points of MediaPipe"),
    _jitter(MARKS, "the marks of the sample dataset"),
    MetricSpecification(
        name="flicker",
        alias="flicker",
        subjects=(),
        summary="change between frames that the true video's flow does not explain, images in [0, 1]",
        better="lower",
        decimals=4,
        open=opened_by("lia_bench.metrics.motion.flicker:open_flicker"),
        smallest_side=16,
        bounds=(0.0, 1.0),
    ),
    *(_l1_of(region, where) for region, where in FACE_REGIONS.items()),
)
