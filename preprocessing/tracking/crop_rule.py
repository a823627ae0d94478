"""Which tubes become crops: the published decision, and the box that is cut out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lia_bench.preprocessing.boxes import Box, increase_to_square

Growth = Callable[[Box, float], Box]
"""How a box is increased by a fraction: `boxes.increase_to_square` or `boxes.increase`."""


@dataclass(frozen=True)
class CropRule:
    """What a tube must have, and how its box grows.

    Attributes:
        min_frames: fewer are rejected.
        min_size: pixels that the longer side of the tube's box must have before it grows.
        increase: fraction of the box's size that is added at each side.
        growth: how it is added.
    """

    min_frames: int
    min_size: float
    increase: float
    growth: Growth = increase_to_square


@dataclass(frozen=True)
class Rejection:
    """Why a tube is left out; as text "code: sentence"."""

    code: Literal["too_short", "too_small", "beyond_border"]
    sentence: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


def decide(tube: Box, frames: int, size: tuple[int, int], rule: CropRule) -> Box | Rejection:
    """The crop's box in whole pixels, or why there is none; video-preprocessing, `crop_bbox_from_frames`.

    Nothing is shifted or padded: a grown box that passes the border by a pixel is rejected, one on it is not.

    Args:
        tube: the box around a tube, not grown.
        frames: how many frames the tube has.
        size: width and height of the frames.
        rule: what is asked of it.
    """
    if frames < rule.min_frames:
        return Rejection("too_short", f"the tube has {frames} frames of the {rule.min_frames} that are needed")
    side = max(tube.width, tube.height)
    if side < rule.min_size or min(tube.width, tube.height) <= 0:
        return Rejection(
            "too_small",
            f"the tube's box is {tube.width:.0f}x{tube.height:.0f} pixels, its longer side needs {rule.min_size:g}",
        )
    crop = rule.growth(tube, rule.increase)
    if crop.left < 0 or crop.top < 0 or crop.right > size[0] or crop.bottom > size[1]:
        sides = " ".join(str(side) for side in crop)
        return Rejection("beyond_border", f"the crop {sides} leaves the frame of {size[0]}x{size[1]} pixels")
    return crop
