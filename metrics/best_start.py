"""The driving frame in which the subject stands most like in the source: where relative transfer had best begin.

Relative transfer adds the driving video's change since one of its frames to the source, so it is right only where that
frame and the source show the same pose. The search is the one that Siarohin et al. give along with FOMM (NeurIPS 2019),
on other points: those of MediaPipe's face or pose landmarker.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.core.registry import load_attribute
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.extractors.extractor import EXTRACTORS, POINTS, Extractor, ExtractorSetting
from lia_bench.metrics.specification import Protocol
from lia_bench.metrics.suite import LoadedExtractor

EXTRACTOR_OF = {"face": "mediapipe-face", "body": "mediapipe-body"}
"""By what users type after --subject."""

FEWEST_POINTS = 4
"""Points that two frames must share: three fit any three well."""

Points = NDArray[np.floating]


def pose_distance(first: Points, second: Points) -> float:
    """How differently two sets of points lie, wherever they are and however large.

    Each set is moved to its mean and divided by the square root of the area of its convex hull; then the squared
    distances of corresponding points are added up.

    Args:
        first: (N, 2) x, y in pixels; NaN for a point that is not seen, which is left out of both.
        second: likewise, the same points.

    Returns:
        The sum divided by the number of points, 0 for the same pose; infinite where fewer than four points are seen in
        both, or all of them lie on a line.
    """
    shared = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    if shared.sum() < FEWEST_POINTS:
        return float("inf")
    shapes = [_normalised(points[shared].astype(np.float64)) for points in (first, second)]
    distance = float(np.square(shapes[0] - shapes[1]).sum(axis=1).mean())
    return distance if np.isfinite(distance) else float("inf")


def best_match(source: Points, driving: Iterable[Points]) -> int | None:
    """Which of the sets in `driving` lies most like `source`, the first of equals; None where none can be compared."""
    distances = np.array([pose_distance(source, points) for points in driving])
    if not np.isfinite(distances).any():
        return None
    return int(distances.argmin())


class PosePoints:
    """Reads the points off frames."""

    def __init__(self, subject: str) -> None:
        """Load the landmarker for a "face" or "body".

        Raises:
            InputError: the subject is neither.
            MissingWeightsError: its weights are not here.
            CheckpointError: MediaPipe refuses them.
        """
        if subject not in EXTRACTOR_OF:
            raise InputError(
                "--start best looks for faces or bodies, and nothing says that these clips show any: name the "
                "--subject, or take --start first"
            )
        self._specification = EXTRACTORS[EXTRACTOR_OF[subject]]
        setting = ExtractorSetting(torch.device("cpu"), Protocol.STRICT)
        try:
            self._extractor: Extractor = load_attribute(self._specification.build)(setting)
        except MissingWeightsError as error:
            raise MissingWeightsError(f"--start best: {error}; or begin with --start first") from None

    def of(self, frame: Frame) -> Points:
        """The points in a frame, uint8 RGB (H, W, 3): (N, 2), NaN for what is not seen."""
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
        points: Points = self._specification.part(self._extractor(pixels[None]), POINTS)[0]
        return points


def no_match(source: object, driving: object, subject: str) -> InputError:
    """What to tell where the points of the source are seen in no driving frame."""
    return InputError(
        f"--start best: the landmarker sees no {subject} in {source}, or none in {driving} to compare it with; "
        "take --start first"
    )


def start_pose_gap(extractors: Iterable[LoadedExtractor], source: Tensor, start: Tensor) -> float | None:
    """`pose_distance` of source and first driving frame, which relative transfer suffers from.

    Args:
        extractors: of which the first that finds keypoints looks at both.
        source: uint8 (3, H, W).
        start: the driving frame, likewise, perhaps of another size.

    Returns:
        None where none of them finds keypoints, or where they are not seen in both.
    """
    extractor = next((one for one in extractors if one.specification.shows_points), None)
    if extractor is None:
        return None
    first, second = (
        extractor.specification.part(extractor.extract(frame[None]), POINTS)[0] for frame in (source, start)
    )
    gap = pose_distance(first, second)
    return gap if math.isfinite(gap) else None


def _normalised(points: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial import ConvexHull, QhullError

    centred = points - points.mean(axis=0)
    try:
        # What scipy calls the volume is the area in two dimensions.
        area: float = ConvexHull(centred).volume
    except QhullError:
        return np.full_like(centred, np.nan)
    shape: NDArray[np.float64] = centred / np.sqrt(area)
    return shape
