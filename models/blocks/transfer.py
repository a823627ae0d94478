"""How driving keypoints become those that the source is to take, where models agree on it."""

from dataclasses import dataclass, replace
from typing import Self, TypeVar

from torch import Tensor

from lia_bench.models.blocks.movement_scale import movement_scale

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
