"""Face points by the package face-alignment, which the published evaluation script of AKD uses.

Source: Bulat and Tzimiropoulos, How far are we from solving the 2D & 3D face alignment problem?, ICCV 2017. As in
the script (pose-evaluation, extract.py) no flipped copy is averaged in. The package gives whole pixels.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.published_networks import load_s3fd
from lia_bench.core.torch_weights import with_published_weights
from lia_bench.core.video.reader import Frame
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification, subject_index

if TYPE_CHECKING:
    from torch import Tensor

POINTS = 68
HOURGLASSES = 4

EXTRACTOR = ExtractorSpecification(
    name="face-alignment",
    summary="68 points of a face by face-alignment: 2DFAN-4 on the boxes of S3FD",
    weights=("2dfan4", "s3fd"),
    shape=(POINTS, 2),
    build="lia_bench.metrics.extractors.face_alignment_points:FaceAlignmentPoints",
    library="face-alignment",
)


class FaceAlignmentPoints:
    """An `Extractor` of face points.

    It puts the package's parts together by itself, since the package's own class downloads its weights.
    """

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load both networks.

        Raises:
            MissingWeightsError: weights are not here.
            CheckpointError: they are not the published ones.
        """
        self._setting = setting
        locate("2dfan4")
        self._detector = load_s3fd(setting.device)
        from face_alignment.models import FAN

        self._network: Any = with_published_weights(FAN(HOURGLASSES), "2dfan4", setting.device)

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 68, 2) x, y in pixels."""
        import torch

        with torch.inference_mode():
            return np.stack([self._points(frame) for frame in frames.permute(0, 2, 3, 1).cpu().numpy()])

    def _points(self, frame: Frame) -> NDArray[np.float32]:
        import torch
        from face_alignment.utils import CENTER_Y_OFFSET, crop, get_preds_fromhm

        # One frame a call: in a batch the package's detector mixes up the faces of all frames.
        faces = [np.reshape(face[:4], (2, 2)) for face in self._detector.detect_from_image(frame)]
        if not faces:
            return np.full((POINTS, 2), np.nan, dtype=np.float32)
        box = faces[subject_index(faces, self._setting.protocol)]
        width, height = box[1] - box[0]
        middle = box.mean(axis=0) - (0, CENTER_Y_OFFSET * height)
        scale = (width + height) / self._detector.reference_scale
        picture = torch.from_numpy(crop(frame, middle, scale)).permute(2, 0, 1).float().div(255)
        heatmaps = self._network(picture[None].to(self._setting.device))[-1]
        _, points, _ = get_preds_fromhm(heatmaps.cpu().numpy(), middle, scale)
        return np.asarray(points[0], dtype=np.float32)
