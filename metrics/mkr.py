"""MKR: missing keypoint rate; a definition for each network that finds keypoints."""

from collections.abc import Callable

from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.keypoint_distance import MissingRate, PooledMissingRate
from lia_bench.metrics.protocols import Protocol
from lia_bench.metrics.setting import ScoringSetting
from lia_bench.metrics.specification import Compares, MetricSpecification


def _open(setting: ScoringSetting) -> Callable[[], FrameMetric]:
    return MissingRate if setting.protocol is Protocol.LITERATURE else PooledMissingRate


def _definition(name: str, extractor: str, points: str, subjects: tuple[str, ...] | None) -> MetricSpecification:
    return MetricSpecification(
        name=name,
        alias="mkr",
        subjects=subjects,
        summary=f"share of the true frame's {points} that the generated frame lacks",
        better="lower",
        decimals=4,
        open=_open,
        compares=Compares.FEATURES,
        extractor=extractor,
        averaging={Protocol.LITERATURE: "frames", Protocol.STRICT: "clips"},
    )


# Face networks find all points of a face or none: there, MKR is the share of frames that lost the face.
DEFINITIONS = (
    _definition("mkr_face_alignment", "face-alignment", "face points of face-alignment", ("face",)),
    _definition("mkr_mediapipe_face", "mediapipe-face", "face points of MediaPipe", None),
    _definition("mkr_openpose", "openpose", "joints of OpenPose", ("body",)),
    _definition("mkr_mediapipe_body", "mediapipe-body", "joints of MediaPipe", None),
    _definition("mkr_keypoint_rcnn", "keypoint-rcnn", "joints of torchvision's Keypoint R-CNN", None),
    _definition("mkr_sample", "sample-marks", "marks", ("sample",)),
)
