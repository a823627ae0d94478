"""How much larger the subject is in the source than in the driving video."""

from scipy.spatial import ConvexHull, QhullError
from torch import Tensor

from lia_bench.core.errors import InputError


def movement_scale(source: Tensor, driving: Tensor) -> float:
    """Square root of the ratio of the convex hulls' areas of two sets of keypoints, (K, 2) each.

    Raises:
        InputError: keypoints that span no area.
    """
    return float((_area("source", source) / _area("first driving frame", driving)) ** 0.5)


def _area(what: str, points: Tensor) -> float:
    try:
        # In two dimensions scipy calls the area the volume.
        return float(ConvexHull(points.double().cpu().numpy()).volume)
    except QhullError as error:
        raise InputError(
            f"the keypoints of the {what} lie on one line, so that no scale can be taken from them: "
            "use the transfer mode 'relative'"
        ) from error
