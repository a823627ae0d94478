"""How driving keypoints become those that the source is to take, where models agree on it."""

from dataclasses import dataclass, replace
from typing import Self, TypeVar

from scipy.spatial import ConvexHull, QhullError
from torch import Tensor

from lia_bench.core.errors import InputError

Motion = TypeVar("Motion")


def absolute(driving: Motion) -> Motion:
    """The driving frames' motion as it is."""
    return driving


@dataclass(frozen=True)
class RelativePosition:
    """The source's positions, moved as the driving ones since the first driving frame (FOMM section 3.4).

    Attributes:
        source, first: each (1, K, D), D = 2 or 3.
        scale: factor on the driving positions' displacement.
    """

    source: Tensor
    first: Tensor
    scale: float = 1.0

    def adapted(self) -> Self:
        """With the scale by which the source's subject is larger than the first driving frame's.

        Raises:
            InputError: positions that span no area or volume.
        """
        return replace(self, scale=movement_scale(self.source[0], self.first[0]))

    def __call__(self, driving: Tensor) -> Tensor:
        """Positions (B, K, D) for the source."""
        return self.scale * (driving - self.first) + self.source


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
