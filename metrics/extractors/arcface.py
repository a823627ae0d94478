"""ArcFace embeddings of faces by insightface's package of models buffalo_l, for CSIM.

Sources: Deng et al., ArcFace, CVPR 2019 (embedding); Guo et al., SCRFD, ICLR 2022 (detection). Papers differ in network
and alignment and mostly do not say which they use; this is what insightface gives by default.
"""

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

FEATURES = 512
CROP_SIDE = 112
DETECTOR_OUTPUTS = 9
DETECTION_SIZE = (640, 640)
"""Width and height that a frame is scaled into. The library's newer default looks at 128x128 as well, where the five
points are coarser."""

EXTRACTOR = ExtractorSpecification(
    name="arcface",
    summary="ArcFace ResNet-50 trained on WebFace600K, on faces found by SCRFD: 512 numbers of unit length",
    weights=("arcface", "scrfd"),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.arcface:ArcFace",
    library="insightface",
)


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
        if sizes != [CROP_SIDE, CROP_SIDE, FEATURES]:
            raise CheckpointError(
                f"{recognition_path}: not the weights of ArcFace: height, width and numbers are {sizes} and not "
                f"{[CROP_SIDE, CROP_SIDE, FEATURES]}"
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
            return np.full(FEATURES, np.nan, dtype=np.float32)
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
