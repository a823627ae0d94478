"""Quality of frames by pyiqa, where a user has installed it: its terms are non-commercial, so nothing here brings it.

Its weights come from its own addresses at the first use, under CC BY-NC-SA 4.0.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.names import printable
from lia_bench.metrics.extractors.extractor import POINTS, ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.extractors.mediapipe_landmarks import FACES, MediapipeFace
from lia_bench.metrics.specification import UnavailableMetricError
from lia_bench.metrics.theval.video_metric import LIPS

if TYPE_CHECKING:
    from torch import Tensor

BY_HAND = (
    "pyiqa is not installed; its licence and that of its weights are non-commercial, so it is never installed with "
    "this package: where you may use it, pip install pyiqa==0.1.13"
)

MARGIN = 10
"""Pixels around the points of a mouth."""

EXTRACTOR = (
    ExtractorSpecification(
        name="pyiqa-aesthetics",
        summary="aesthetics of a frame from 1 to 10 by pyiqa's TOPIQ-IAA",
        weights=(),
        shape=(1,),
        build="lia_bench.metrics.extractors.pyiqa_quality:WholeFrames",
        library="pyiqa",
        by_hand=BY_HAND,
    ),
    ExtractorSpecification(
        name="pyiqa-mouth",
        summary="quality of the mouth in a frame, about 0 to 100, by pyiqa's MUSIQ and MediaPipe's face landmarker",
        weights=FACES.weights,
        shape=(1,),
        build="lia_bench.metrics.extractors.pyiqa_quality:Mouths",
        library="pyiqa",
        by_hand=BY_HAND,
    ),
    ExtractorSpecification(
        name="pyiqa-face",
        summary="quality of the face in a frame, about 0 to 1, by pyiqa's TOPIQ-NR-Face, which finds and aligns it",
        weights=(),
        shape=(1,),
        build="lia_bench.metrics.extractors.pyiqa_quality:AlignedFaces",
        library="pyiqa",
        by_hand=BY_HAND,
    ),
)


class _Judge:
    """One of pyiqa's networks, given a picture at a time, so that none depends on those beside it."""

    name: str

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load it.

        Raises:
            UnavailableMetricError: it cannot be loaded.
        """
        from torch.backends import cudnn

        try:
            import pyiqa

            # It makes cuDNN deterministic, and so slower, for everybody in the process.
            with cudnn.flags(enabled=True):
                self._network: Any = pyiqa.create_metric(self.name, device=setting.device)
        except Exception as error:
            reason = printable(f"{type(error).__name__}: {error}".partition("\n")[0])
            raise UnavailableMetricError(
                f"pyiqa cannot load its '{self.name}' ({reason}): see that its weights can be fetched"
            ) from error

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 1)."""
        return np.array([[self.judged(frame[None])] for frame in frames], dtype=np.float32)

    def judged(self, frame: "Tensor") -> float:
        """What the network says of a picture, uint8 (1, 3, H, W); NaN of one without a face."""
        import torch

        with torch.inference_mode():
            return float(self._network(frame.float() / 255))


class WholeFrames(_Judge):
    """Whole frames, which the network squeezes into a square."""

    name = "topiq_iaa"


class Mouths(_Judge):
    """The mouths, each by itself: the authors pad a batch of them with black to the largest."""

    name = "musiq"

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load both networks; raises as `MediapipeFace`, and as the others here."""
        super().__init__(setting)
        self._faces = MediapipeFace(setting)

    def judged(self, frame: "Tensor") -> float:
        """See `_Judge.judged`."""
        points = FACES.part(self._faces(frame), POINTS)[0]
        box = mouth_box(points, *frame.shape[-2:])
        if box is None:
            return float("nan")
        left, top, right, bottom = box
        return super().judged(frame[:, :, top:bottom, left:right])


class AlignedFaces(_Judge):
    """The face nearest to the middle; the authors leave out a whole video for one frame without a face."""

    name = "topiq_nr-face"

    def judged(self, frame: "Tensor") -> float:
        """See `_Judge.judged`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return super().judged(frame)
            except AssertionError as error:
                # How the network says that it found no face; it asserts other things as well.
                if "face" not in str(error):
                    raise
                return float("nan")


def mouth_box(points: NDArray[np.floating], height: int, width: int) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of the mouth in a frame, right and bottom exclusive.

    Args:
        points: (478, 2) in pixels, NaN without a face.
        height: of the frame in pixels.
        width: likewise.

    Returns:
        the box of the lip points, truncated to whole pixels and widened by MARGIN, within the frame; None where
        nothing of it is.
    """
    lips = points[LIPS]
    if not np.isfinite(lips).all():
        return None
    left, top = (max(0, int(least) - MARGIN) for least in np.trunc(lips).min(axis=0))
    right, bottom = (
        min(side, int(most) + MARGIN) for side, most in zip((width, height), np.trunc(lips).max(axis=0), strict=True)
    )
    return (left, top, right, bottom) if left < right and top < bottom else None
