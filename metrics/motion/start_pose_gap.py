"""start_pose_gap: how differently the source and the first driving frame of an animation stand."""

import math
from collections.abc import Iterable

from torch import Tensor

from lia_bench.metrics.best_start import pose_distance
from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.features import LoadedExtractor


def start_pose_gap(extractors: Iterable[LoadedExtractor], pair: Tensor) -> float | None:
    """`pose_distance` of source and first driving frame, which relative transfer suffers from.

    Args:
        extractors: of which the first that finds keypoints looks at both.
        pair: uint8 (2, 3, H, W).

    Returns:
        None where none of them finds keypoints, or where they are not seen in both.
    """
    extractor = next((one for one in extractors if one.specification.shows_points), None)
    if extractor is None:
        return None
    gap = pose_distance(*extractor.specification.part(extractor(pair), POINTS))
    return gap if math.isfinite(gap) else None
