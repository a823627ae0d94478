"""How much larger the subject is in the source than in the driving video."""

from scipy.spatial import ConvexHull, QhullError
from torch import Tensor

from lia_bench.core.errors import InputError


def movement_scale(source: Tensor, driving: Tensor) -> float:
    """Square root of the ratio of the convex hulls' areas of two sets of keypoints (K, 2), or of volumes for (K, 3).

    Raises:
        InputError: keypoints that span no area or volume.
    """
    return float((_volume("source", source) / _volume("first driving frame", driving)) ** 0.5)


def _volume(what: str, points: Tensor) -> float:
    try:
        # In two dimensions scipy calls the area the volume.
        return float(ConvexHull(points.double().cpu().numpy()).volume)
    except QhullError as error:
        raise InputError(
            f"the keypoints of the {what} lie on one line or plane, so that no scale can be taken from them: "
            "use a transfer mode that does not scale the movement"
        ) from error
