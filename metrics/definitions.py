"""Our own metrics: a definition for each network that a plain name can rest on, since each gives other numbers.

They stand apart from what computes them, so that whoever lists metrics or prints a table does not import torch.
"""

import math
from typing import Literal

from lia_bench.metrics.specification import (
    Averaging,
    Compares,
    MetricSpecification,
    Opening,
    Protocol,
    computed_by,
    opened_by,
)
from lia_bench.metrics.theval.definitions import THEVAL

PUBLISHED_AVERAGING: dict[Protocol, Averaging] = {Protocol.LITERATURE: "frames", Protocol.STRICT: "clips"}
"""Of metrics of features: the published scripts average over the frames of all clips."""

LANDMARKER = "mediapipe-face"
MARKS = "sample-marks"

FACE_REGIONS = {
    "face": "inside the hull of the true frame's face points",
    "eyes": "inside the hulls of the true frame's eyes with their lids",
    "mouth": "inside the hull of the true frame's lips",
    "background": "outside the hull of the true frame's face points",
}

SIMILARITIES = ("ssim", "ms_ssim", "csim")
SHARES = ("l1", "mkr")


def _bounds(alias: str) -> tuple[float, float]:
    """The lowest and the highest value of a metric of ours: distances and decibels of images in [0, 1] are positive."""
    if alias in SIMILARITIES:
        return -1.0, 1.0
    return 0.0, 1.0 if alias in SHARES else math.inf


def _of_images(
    name: str,
    summary: str,
    better: Literal["lower", "higher"],
    kind: str,
    decimals: int = 4,
    smallest_side: int = 0,
    needs: str = "",
) -> MetricSpecification:
    """One of pixels alone; `kind`: the class that computes it."""
    return MetricSpecification(
        name=name,
        alias=name,
        subjects=(),
        summary=summary,
        better=better,
        decimals=decimals,
        open=computed_by("lia_bench.metrics.image_similarity", kind),
        smallest_side=smallest_side,
        needs=needs,
        bounds=_bounds(name),
    )


def _of_features(
    name: str,
    extractor: str,
    subjects: tuple[str, ...] | None,
    summary: str,
    open_: Opening,
    *,
    better: Literal["lower", "higher"] = "lower",
    decimals: int = 4,
    part: str = "",
    of_identity: bool = False,
    of_person: bool = False,
) -> MetricSpecification:
    return MetricSpecification(
        name=name,
        alias=name.partition("_")[0],
        subjects=subjects,
        summary=summary,
        better=better,
        decimals=decimals,
        open=open_,
        compares=Compares.FEATURES,
        extractor=extractor,
        part=part,
        averaging=PUBLISHED_AVERAGING,
        of_identity=of_identity,
        of_person=of_person,
        bounds=_bounds(name.partition("_")[0]),
    )


def _of_sets(alias: str, extractor: str, numbers: int, summary: str, decimals: int) -> MetricSpecification:
    return MetricSpecification(
        name=f"{alias}_{extractor}",
        alias=alias,
        subjects=(),
        summary=f"Frechet distance between {summary}",
        better="lower",
        decimals=decimals,
        open=opened_by("lia_bench.metrics.frechet_metric:open_frechet", numbers),
        compares=Compares.SETS,
        extractor=extractor,
        # Rounding may leave the distance of equal sets a little below zero.
        bounds=(-0.01, math.inf),
    )


SMALLEST_SIDES_OF_LPIPS = {"alex": 31, "vgg": 16, "squeeze": 17}
"""In pixels; below, a pooling has nothing left to pool."""


def _lpips(backbone: str, network: str, weights: str, subjects: tuple[str, ...] | None) -> MetricSpecification:
    return MetricSpecification(
        name=f"lpips_{backbone}",
        alias="lpips",
        subjects=subjects,
        summary=f"distance of {network} features, heads of version 0.1",
        better="lower",
        decimals=4,
        open=opened_by("lia_bench.metrics.lpips:open_lpips", backbone),
        weights=(weights,),
        smallest_side=SMALLEST_SIDES_OF_LPIPS[backbone],
        needs=f"{weights} needs sides of at least {SMALLEST_SIDES_OF_LPIPS[backbone]} pixels",
        bounds=_bounds("lpips"),
    )


def _akd_and_mkr(
    name: str, extractor: str, all_points: str, points: str, subjects: tuple[str, ...] | None
) -> tuple[MetricSpecification, MetricSpecification]:
    """Both metrics of the keypoints that one network finds."""
    return (
        _of_features(
            f"akd_{name}",
            extractor,
            subjects,
            f"distance between {all_points}, in pixels",
            computed_by("lia_bench.metrics.feature_distance", "CoordinateDifference", "EuclideanDistance"),
            decimals=3,
            part="points",
        ),
        _of_features(
            f"mkr_{name}",
            extractor,
            subjects,
            f"share of the true frame's {points} that the generated frame lacks",
            computed_by("lia_bench.metrics.feature_distance", "MissingRate", "PooledMissingRate"),
            part="points",
        ),
    )


def _aed(name: str, extractor: str, network: str, subject: str) -> MetricSpecification:
    return _of_features(
        f"aed_{name}",
        extractor,
        (subject,),
        f"distance between identity features of {network}",
        computed_by("lia_bench.metrics.feature_distance", "SquaredDistance", "FeatureDistance"),
        of_person=True,
    )


def _csim(name: str, extractor: str, embeddings: str, subjects: tuple[str, ...] | None) -> MetricSpecification:
    return _of_features(
        f"csim_{name}",
        extractor,
        subjects,
        f"cosine similarity of {embeddings}",
        computed_by("lia_bench.metrics.feature_distance", "CosineSimilarity", "CosineSimilarityOrZero"),
        better="higher",
        of_identity=True,
    )


def _of_motion(
    alias: str,
    extractor: str,
    part: str,
    summary: str,
    open_: Opening,
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
        open=open_,
        compares=Compares.FEATURES,
        extractor=extractor,
        part=part,
        of_motion=True,
        bounds=bounds,
    )


def _pose_error(extractor: str, part: str, source: str, name: str) -> MetricSpecification:
    summary = f"degrees between the head rotations {source}; in relative transfer, between what changed of them"
    computed = computed_by("lia_bench.metrics.motion.face_state", name, f"Strict{name}")
    return _of_motion("pose_error", extractor, part, summary, computed, bounds=(0.0, 180.0), decimals=2)


def _jitter(extractor: str, points: str) -> MetricSpecification:
    summary = f"difference of second differences of {points}, in per cent of the face's size"
    computed = computed_by("lia_bench.metrics.motion.steadiness", "Jitter")
    return _of_motion("jitter", extractor, "points", summary, computed, bounds=(0.0, math.inf), decimals=3)


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
    _of_images("l1", "mean absolute difference of images in [0, 1]", "lower", "L1"),
    _of_images(
        "psnr", "peak signal-to-noise ratio in dB, from the clip's mean squared error", "higher", "PSNR", decimals=2
    ),
    _of_images(
        "ssim",
        "structural similarity, 11x11 Gaussian window of sigma 1.5",
        "higher",
        "SSIM",
        smallest_side=11,
        needs="SSIM's window needs sides of at least 11 pixels",
    ),
    _of_images(
        "ms_ssim",
        "structural similarity over five scales",
        "higher",
        "MultiScaleSSIM",
        # Four halvings, each rounded down, must leave an 11x11 window.
        smallest_side=176,
        needs="MS-SSIM needs sides above 160 pixels (at least 176)",
    ),
    _lpips("alex", "AlexNet", "alexnet", ()),
    _lpips("vgg", "VGG16", "vgg16", None),
    _lpips("squeeze", "SqueezeNet 1.1", "squeezenet1_1", None),
    # Face networks find all points of a face or none: there, MKR is the share of frames that lost the face.
    *_akd_and_mkr(
        "face_alignment",
        "face-alignment",
        "68 face points of face-alignment",
        "face points of face-alignment",
        ("face",),
    ),
    *_akd_and_mkr("mediapipe_face", "mediapipe-face", "478 face points of MediaPipe", "face points of MediaPipe", None),
    *_akd_and_mkr("openpose", "openpose", "18 joints of OpenPose", "joints of OpenPose", ("body",)),
    *_akd_and_mkr("mediapipe_body", "mediapipe-body", "33 joints of MediaPipe", "joints of MediaPipe", None),
    *_akd_and_mkr(
        "keypoint_rcnn",
        "keypoint-rcnn",
        "17 joints of torchvision's Keypoint R-CNN",
        "joints of torchvision's Keypoint R-CNN",
        None,
    ),
    *_akd_and_mkr("sample", "sample-marks", "the marks of the sample dataset", "marks", ("sample",)),
    _aed("openface", "openface", "OpenFace nn4.small2", "face"),
    _aed("reid", "person-reid", "the re-identification ResNet-50", "body"),
    _csim("arcface", "arcface", "insightface's ArcFace embeddings of faces", ("face",)),
    _csim("insightface_body", "insightface-body", "insightface's embeddings of persons", ("body",)),
    # SADE's, of bodies: its paper names the kind of network, not the one.
    _csim("reid", "person-reid", "the re-identification ResNet-50's features of whole frames", None),
    _of_sets("fid", "inception", 2048, "Inception-v3 features of all generated and all true frames", decimals=2),
    _of_sets("video_fid", "resnext101", 2048, "3D ResNeXt-101 features of windows of 16 frames", decimals=3),
    _of_sets("fvd", "i3d", 400, "I3D logits of windows of 16 frames", decimals=1),
    _pose_error(LANDMARKER, "pose", "that MediaPipe sees", "MatrixPoseError"),
    _pose_error(MARKS, "points", "that the sample dataset's marks show", "MarksPoseError"),
    _of_motion(
        "expression_error",
        LANDMARKER,
        "expression",
        "mean absolute difference of MediaPipe's 52 blendshapes; in relative transfer, of their changes",
        computed_by("lia_bench.metrics.motion.face_state", "ExpressionError", "StrictExpressionError"),
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
        open=computed_by("lia_bench.metrics.motion.steadiness", "Flicker"),
        smallest_side=16,
        needs="flow needs sides of at least 16 pixels",
        bounds=(0.0, 1.0),
    ),
    *(_l1_of(region, where) for region, where in FACE_REGIONS.items()),
    *THEVAL,
)
