"""The square around the subject that a model is shown, so that it looks like the crops models are trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box, join
from lia_bench.preprocessing.detection.detector import Subject


@dataclass(frozen=True)
class Margins:
    """Room around a detector's box, as fractions of the box's larger side."""

    top: float
    sides: float
    bottom: float

    def around(self, box: Box, unit: float) -> Box:
        """`box` with this room, where `unit` pixels stand for the larger side."""
        return Box(
            box.left - self.sides * unit,
            box.top - self.top * unit,
            box.right + self.sides * unit,
            box.bottom + self.bottom * unit,
        )


@dataclass(frozen=True)
class Framing:
    """How a subject stands in its square.

    Attributes:
        subject: what is looked for.
        detector: whose boxes the margins are for.
        usual: room around the subject's mean place.
        least: room around every place that it is seen in.
    """

    subject: Subject
    detector: str
    usual: Margins
    least: Margins


FACE = Framing(
    subject="face",
    detector="mediapipe",
    usual=Margins(top=0.67, sides=0.45, bottom=0.25),
    least=Margins(top=0.32, sides=0.1, bottom=0.1),
)
"""For BlazeFace's boxes, from brows to chin. Its room was measured in crops that the published VoxCeleb procedure made
(S3FD's boxes over a clip joined, then increased by 0.1): `usual` is the mean over the four portraits that LIA's authors
animate, `least` the median over the driving clips of the published test pairs."""

BODY = Framing(
    subject="person",
    detector="mediapipe-pose",
    usual=Margins(top=0.0, sides=0.0, bottom=0.0),
    least=Margins(top=0.0, sides=0.0, bottom=0.0),
)
"""The published Tai-Chi procedure: the person from corner to corner; the pose detector's boxes have some room as it
is."""

FRAMINGS = {"face": FACE, "body": BODY}
"""By what users type after --subject."""


def square_around(boxes: Sequence[Box], size: tuple[int, int], framing: Framing) -> Box:
    """The one square, in whole pixels, that holds a subject wherever it is seen.

    It is moved into the frame where it fits there. One that is larger than the frame shrinks to the frame's shorter
    side, but never below what the subject itself takes up in the frame: the rest then lies outside, and `cut` fills it.

    Args:
        boxes: the subject's boxes, at least one.
        size: width and height of the frames.
        framing: the room around them.
    """
    values = np.asarray(boxes, dtype=np.float64)
    mean = Box(*(float(side) for side in values.mean(axis=0)))
    unit = max(mean.width, mean.height)
    around = Box(*values[:, :2].min(axis=0).tolist(), *values[:, 2:].max(axis=0).tolist())
    least = framing.least.around(around, unit)
    wanted = join(framing.usual.around(mean, unit), least)
    side = max(wanted.width, wanted.height)
    seen = _within(around, size)
    needed = max(seen.width, seen.height)
    whole = max(2, round(min(side, max(needed, min(size)))))
    # A square that had to shrink goes where the subject needs it.
    middle = least if whole < side else wanted
    left = _placed((middle.left + middle.right) / 2, whole, size[0])
    top = _placed((middle.top + middle.bottom) / 2, whole, size[1])
    return Box(left, top, left + whole, top + whole)


def cut(frame: Frame, box: Box) -> Frame:
    """The part of `frame` in `box`, whole pixels; what lies outside of the frame repeats its border."""
    height, width = frame.shape[:2]
    left, top, right, bottom = (int(side) for side in box)
    inside = frame[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    beyond = ((max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0)), (0, 0))
    return np.pad(inside, beyond, mode="edge") if any(side for pair in beyond for side in pair) else inside


def whole_frame(size: tuple[int, int]) -> Box:
    """The box of all that a frame of `size` (width, height) shows."""
    return Box(0, 0, *size)


def _within(box: Box, size: tuple[int, int]) -> Box:
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, size[0]), min(box.bottom, size[1]))


def _placed(middle: float, side: int, length: int) -> int:
    """Where a side begins whose middle is to be near `middle`: inside of `length`, or as far as that goes."""
    start = round(middle - side / 2)
    if side > length:
        return (length - side) // 2
    return min(max(start, 0), length - side)
