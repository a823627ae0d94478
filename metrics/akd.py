"""AKD: average keypoint distance; a definition for each network that finds keypoints."""

from collections.abc import Callable

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.keypoint_distance import CoordinateDifference, EuclideanDistance
from lia_bench.metrics.protocols import Protocol
from lia_bench.metrics.setting import ScoringSetting
from lia_bench.metrics.specification import Compares, MetricSpecification


def _open(setting: ScoringSetting) -> Callable[[], FrameMetric]:
    if setting.protocol is Protocol.LITERATURE:
        return CoordinateDifference
    return lambda: EuclideanDistance(setting.height, setting.width)


def _definition(name: str, extractor: str, points: str, subjects: tuple[str, ...] | None) -> MetricSpecification:
    return MetricSpecification(
        name=name,
        alias="akd",
        subjects=subjects,
        summary=f"distance between {points}, in pixels",
        better="lower",
        decimals=3,
        open=_open,
        compares=Compares.FEATURES,
        extractor=extractor,
        averaging={Protocol.LITERATURE: "frames", Protocol.STRICT: "clips"},
    )


DEFINITIONS = (
    _definition("akd_face_alignment", "face-alignment", "68 face points of face-alignment", ("face",)),
    _definition("akd_mediapipe_face", "mediapipe-face", "478 face points of MediaPipe", None),
    _definition("akd_openpose", "openpose", "18 joints of OpenPose", ("body",)),
    _definition("akd_mediapipe_body", "mediapipe-body", "33 joints of MediaPipe", None),
    _definition("akd_keypoint_rcnn", "keypoint-rcnn", "17 joints of torchvision's Keypoint R-CNN", None),
    _definition("akd_sample", "sample-marks", "the marks of the sample dataset", ("sample",)),
)
