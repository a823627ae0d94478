"""A tube: a stretch of frames in which one subject stays in one box; which become crops, and of what box."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lia_bench.preprocessing.boxes import Box, contains, increase_to_square, square_within
from lia_bench.preprocessing.clip_table import found_row
from lia_bench.preprocessing.search import Finding

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

    def crop(self, tube: Box, size: tuple[int, int]) -> "Box | Rejection":
        """The crop around a tube's box, or that it leaves a frame of `size`; nothing is moved or padded."""
        crop = self.growth(tube, self.increase)
        if _lies_in(crop, size):
            return crop
        sides = " ".join(str(side) for side in crop)
        return Rejection("beyond_border", f"the crop {sides} leaves the frame of {size[0]}x{size[1]} pixels")


class FittedCropRule(CropRule):
    """A rule by which a crop that leaves the frame is moved into it, and made smaller where it has to be."""

    def crop(self, tube: Box, size: tuple[int, int]) -> Box:
        """The crop, which always lies in the frame."""
        crop = self.growth(tube, self.increase)
        return crop if _lies_in(crop, size) else square_within(tube, self.increase, size)


@dataclass(frozen=True)
class Rejection:
    """Why a tube is left out; as text "code: sentence"."""

    code: Literal["too_short", "too_small", "beyond_border"]
    sentence: str

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


def decide(tube: Box, frames: int, size: tuple[int, int], rule: CropRule) -> Box | Rejection:
    """The crop's box in whole pixels, or why there is none; video-preprocessing, `crop_bbox_from_frames`.

    By the published rule nothing is shifted or padded: a grown box that passes the border by a pixel is rejected, one
    on it is not.

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
    return rule.crop(tube, size)


def _lies_in(crop: Box, size: tuple[int, int]) -> bool:
    return contains(Box(0, 0, *size), crop)


NO_FACE = Box(0.0, 0.0, 0.0, 0.0)
"""Stands for a face that the detector missed."""


@dataclass(frozen=True)
class Tube:
    """One tube.

    Attributes:
        start: its first frame.
        end: the frame behind its last one.
        frames: how many frames it has, which its length is judged by.
        box: around the subject in all of them, not grown.
    """

    start: int
    end: int
    frames: int
    box: Box


VOXCELEB_CROP = CropRule(min_frames=64, min_size=256, increase=0.1)


@dataclass(frozen=True)
class TubeRule:
    """When a face's tube ends and which tubes become clips; the defaults are the published ones of VoxCeleb.

    Attributes:
        iou_with_first: a box that overlaps less than this with the tube's first one ends it.
        max_frames: a tube of so many frames is ended.
        crop: what a tube must have.
    """

    iou_with_first: float = 0.25
    max_frames: int = 1024
    crop: CropRule = VOXCELEB_CROP


VOXCELEB_TUBES = TubeRule()


@dataclass(frozen=True)
class Origin:
    """What the rows of one video have in common.

    Attributes:
        video_id: the video.
        person_id: who is seen, where that is known.
        fps: the rate that tubes count frames by.
        size: width and height of its frames, which boxes are measured in.
        partition: "train" or "test".
    """

    video_id: str
    person_id: str | None
    fps: float
    size: tuple[int, int]
    partition: str


def judge(tube: Tube, rule: CropRule, origin: Origin, clip: str) -> Finding:
    """The clip that a tube becomes, or why it becomes none; the row of a rejected tube has its box within the frame."""
    decision = decide(tube.box, tube.frames, origin.size, rule)
    rejected = isinstance(decision, Rejection)
    box = _within(tube.box, origin.size) if isinstance(decision, Rejection) else decision
    row = found_row(
        origin.video_id, origin.person_id, tube.start, tube.end, box, origin.fps, origin.size, origin.partition
    )
    return Finding(clip, row, str(decision) if rejected else None)


def _within(box: Box, size: tuple[int, int]) -> Box:
    """The part of a box that lies in the frame, in whole pixels and at least one of them."""
    left, right = _part(box.left, box.right, size[0])
    top, bottom = _part(box.top, box.bottom, size[1])
    return Box(left, top, right, bottom)


def _part(first: float, last: float, length: int) -> tuple[int, int]:
    start = min(max(int(first), 0), length - 1)
    return start, max(start + 1, min(int(last), length))
