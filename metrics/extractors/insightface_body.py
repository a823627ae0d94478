"""Embeddings of persons by insightface's package of models cheetah_l: how they are built and dressed, not their faces.

A person is found by insightface's own detector and cut out of the frame by its box, as its PersonAnalysis does. The
package's manifest says how the networks want their input and has the SHA-256 of each.
"""

import json
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

FEATURES = 256
MANIFEST = "cheetah-manifest"
DETECTION = "cheetah-person"
REIDENTIFICATION = "cheetah-reid"

EXTRACTOR = ExtractorSpecification(
    name="insightface-body",
    summary="insightface's re-identification of persons, on those it finds: 256 numbers of unit length",
    weights=(MANIFEST, DETECTION, REIDENTIFICATION),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.insightface_body:InsightfaceBody",
    library="insightface",
)


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
            return np.full(FEATURES, np.nan, dtype=np.float32)
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
