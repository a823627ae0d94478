"""Who is in a frame, by insightface: embeddings of faces by ArcFace, and of persons, how they are built and dressed.

Faces are for CSIM, by the package of models buffalo_l. Sources: Deng et al., ArcFace, CVPR 2019 (embedding); Guo et
al., SCRFD, ICLR 2022 (detection). Papers differ in network and alignment and mostly do not say which they use; this is
what insightface gives by default.

Persons are by the package cheetah_l: found by insightface's own detector and cut out of the frame by their box, as its
PersonAnalysis does. The package's manifest says how the networks want their input and has the SHA-256 of each.
"""

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.errors import CheckpointError
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification, subject_index

if TYPE_CHECKING:
    from torch import Tensor

FACE_FEATURES = 512
CROP_SIDE = 112
DETECTOR_OUTPUTS = 9
DETECTION_SIZE = (640, 640)
"""Width and height that a frame is scaled into. The library's newer default looks at 128x128 as well, where the five
points are coarser."""

ARCFACE = ExtractorSpecification(
    name="arcface",
    summary="ArcFace ResNet-50 trained on WebFace600K, on faces found by SCRFD: 512 numbers of unit length",
    weights=("arcface", "scrfd"),
    shape=(FACE_FEATURES,),
    build="lia_bench.metrics.extractors.insightface_identity:ArcFace",
    library="insightface",
)

BODY_FEATURES = 256
MANIFEST = "cheetah-manifest"
DETECTION = "cheetah-person"
REIDENTIFICATION = "cheetah-reid"

BODY = ExtractorSpecification(
    name="insightface-body",
    summary="insightface's re-identification of persons, on those it finds: 256 numbers of unit length",
    weights=(MANIFEST, DETECTION, REIDENTIFICATION),
    shape=(BODY_FEATURES,),
    build="lia_bench.metrics.extractors.insightface_identity:InsightfaceBody",
    library="insightface",
)

EXTRACTOR = (ARCFACE, BODY)


class ArcFace:
    """An `Extractor` of face embeddings; it runs on the CPU."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load both networks.

        Raises:
            MissingWeightsError: weights are not here.
            CheckpointError: they are other networks'.
        """
        self._protocol = setting.protocol
        recognition_path, detection_path = locate("arcface"), locate("scrfd")
        detection = _session(detection_path)
        if len(detection.get_outputs()) != DETECTOR_OUTPUTS:
            raise CheckpointError(
                f"{detection_path}: not the weights of SCRFD with five points: "
                f"{len(detection.get_outputs())} outputs and not {DETECTOR_OUTPUTS}"
            )
        recognition = _session(recognition_path)
        sizes = [*recognition.get_inputs()[0].shape[2:], recognition.get_outputs()[0].shape[-1]]
        if sizes != [CROP_SIDE, CROP_SIDE, FACE_FEATURES]:
            raise CheckpointError(
                f"{recognition_path}: not the weights of ArcFace: height, width and numbers are {sizes} and not "
                f"{[CROP_SIDE, CROP_SIDE, FACE_FEATURES]}"
            )
        # Not the library's FaceAnalysis, which fetches what it lacks.
        from insightface.model_zoo.arcface_onnx import ArcFaceONNX
        from insightface.model_zoo.scrfd import SCRFD

        self._detector = SCRFD(session=detection)
        self._recogniser = ArcFaceONNX(model_file=str(recognition_path), session=recognition)

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 512), of unit length."""
        return np.stack([self._embedding(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _embedding(self, frame: Frame) -> NDArray[np.float32]:
        blue_first = np.ascontiguousarray(frame[:, :, ::-1])
        boxes, points = self._detector.detect(blue_first, input_size=DETECTION_SIZE)
        if len(boxes) == 0:
            return np.full(FACE_FEATURES, np.nan, dtype=np.float32)
        subject = subject_index([box[:4].reshape(2, 2) for box in boxes], self._protocol)
        found = self._recogniser.get_feat(_aligned(blue_first, points[subject])).ravel()
        embedding: NDArray[np.float32] = found / np.linalg.norm(found)
        return embedding


def _aligned(frame: Frame, points: NDArray[np.float32]) -> Frame:
    from insightface.utils.face_align import norm_crop

    with warnings.catch_warnings():
        # The library calls scikit-image by an older name, at every face.
        warnings.simplefilter("ignore", FutureWarning)
        face: Frame = norm_crop(frame, points, image_size=CROP_SIDE)
    return face


def _session(path: Path) -> Any:
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # The library's errors have no base class of their own.
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: ONNX Runtime refuses this file ({reason}): fetch it again") from error


class InsightfaceBody:
    """An `Extractor` of embeddings of persons; it runs on the CPU."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load both networks.

        Raises:
            MissingWeightsError: weights are not here.
            CheckpointError: they are not the published ones, or not of one package.
        """
        self._protocol = setting.protocol
        manifest, detection, reidentification = locate(MANIFEST), locate(DETECTION), locate(REIDENTIFICATION)
        # Not the library's PersonAnalysis, which fetches what it lacks and loads two networks for faces too.
        from insightface.model_zoo.person_detection import PersonDetection
        from insightface.model_zoo.person_reid import PersonReID

        self._detector = _loaded(PersonDetection, "person_detection", manifest, detection)
        self._network = _loaded(PersonReID, "person_reid", manifest, reidentification)

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 256), of unit length."""
        return np.stack([self._embedding(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _embedding(self, frame: Frame) -> NDArray[np.float32]:
        blue_first = np.ascontiguousarray(frame[:, :, ::-1])
        boxes = [box[:4].reshape(2, 2) for box in self._detector.detect(blue_first)]
        if not boxes:
            return np.full(BODY_FEATURES, np.nan, dtype=np.float32)
        (left, top), (right, bottom) = boxes[subject_index(boxes, self._protocol)]
        rows = slice(int(np.floor(top)), int(np.ceil(bottom)))
        columns = slice(int(np.floor(left)), int(np.ceil(right)))
        return np.asarray(self._network.embed(blue_first[rows, columns]), dtype=np.float32)


def _loaded(network: Any, task: str, manifest: Path, path: Path) -> Any:
    try:
        entry = json.loads(manifest.read_text(encoding="utf-8"))["tasks"][task]
        descriptor = {**entry, "sha256": entry["sha256"], "path": str(path)}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{manifest}: not cheetah_l's manifest: no entry for {task} with a SHA-256") from error
    try:
        return network(descriptor, ["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base class of their own.
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{path}: insightface refuses this file ({reason}): fetch it again") from error
