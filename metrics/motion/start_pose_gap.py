"""start_pose_gap: how differently the source and the first driving frame of an animation stand."""

import math
from collections.abc import Iterable

from torch import Tensor

from lia_bench.metrics.best_start import pose_distance
from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.features import LoadedExtractor


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
    first, second = (extractor.specification.part(extractor(frame[None]), POINTS)[0] for frame in (source, start))
    gap = pose_distance(first, second)
    return gap if math.isfinite(gap) else None
