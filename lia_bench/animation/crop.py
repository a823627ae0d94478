"""The square around the subject that a model is shown: where it is found, and how crops of training data look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.console import progress
from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box, join, overlap
from lia_bench.preprocessing.detection.detector import (
    Detection,
    Subject,
    UprightFootage,
    build_detector,
    scaled,
    scaled_frames,
    size_at_height,
    watch,
)


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


DETECTION_HEIGHT = 360
"""Pixels that frames are scaled to for the detector, as where datasets are cut."""

USUALLY_FOUND = 0.9
"""Share of the frames looked at below which the user is told, since the video may be cut or show the subject from
behind."""

BATCH = 16
"""Frames shown to the detector at a time."""

LOOKS_PER_SECOND = 6.0
"""A head goes little further between two looks than the room around it."""


class Still:
    """A picture as footage of one frame; an `UprightFootage`."""

    def __init__(self, path: Path, picture: Frame) -> None:
        """`picture`: uint8 RGB (height, width, 3), which was read from `path`."""
        self.path = path
        self.frames = 1
        self.fps = 1.0
        self.height, self.width = picture.shape[:2]
        self._picture = picture

    def square_frame(self, index: int) -> Frame:
        """The picture."""
        return self._picture


@dataclass(frozen=True)
class Sighting:
    """What was found of a subject.

    Attributes:
        square: around it in every frame, in whole pixels.
        remarks: lines that the user should know of.
    """

    square: Box
    remarks: tuple[str, ...]


class SubjectFinder:
    """Finds the subject that is animated, or that drives: the largest one, followed from frame to frame."""

    def __init__(self, framing: Framing) -> None:
        """Load the detector of `framing`.

        Raises:
            MissingWeightsError: its weights are not here.
            CheckpointError: its library refuses them.
        """
        self._framing = framing
        try:
            self._detector = build_detector(framing.detector, "cpu")
        except MissingWeightsError as error:
            raise MissingWeightsError(f"{error}; or give --no-crop where both inputs are cropped as it is") from None

    def find(self, footage: UprightFootage) -> Sighting:
        """The square around the subject of a picture or video; memory does not grow with its length.

        Raises:
            InputError: nobody was found.
            UnreadableVideoError: a frame cannot be decoded.
        """
        looks = looked_at(footage)
        size = size_at_height(footage, DETECTION_HEIGHT)
        across, down = footage.width / size[0], footage.height / size[1]
        frames: Iterable[Frame] = scaled_frames(footage, looks, size)
        if len(looks) > 1:
            frames = progress(frames, title=f"find in {footage.path.name}", total=len(looks), unit="frame")
        followed = _Followed()
        for _, seen in watch(frames, self._detector, BATCH):
            followed.look(seen)
        kind = self._framing.subject
        if not followed.boxes:
            place = "in any frame of the video" if len(looks) > 1 else "there"
            raise InputError(
                f"{footage.path}: no {kind} was found {place}; give one in which it is larger and seen from the "
                "front, or --no-crop to take the whole frame"
            )
        boxes = [scaled(box, across, down) for box in followed.boxes]
        square = square_around(boxes, (footage.width, footage.height), self._framing)
        return Sighting(square, tuple(self._remarks(footage, followed, len(looks))))

    def _remarks(self, footage: UprightFootage, followed: "_Followed", looks: int) -> Iterable[str]:
        kind = self._framing.subject
        if followed.most > 1:
            yield f"{footage.path}: {followed.most} {kind}s were found; the largest is taken"
        if len(followed.boxes) < USUALLY_FOUND * looks:
            yield f"{footage.path}: the {kind} was found in only {len(followed.boxes)} of {looks} frames looked at"


class _Followed:
    """One subject over the frames of a video."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.most = 0

    def look(self, seen: Sequence[Detection]) -> None:
        """Take the next frame's detections: the largest begins, then what overlaps most with its last place."""
        boxes = [found.box for found in seen if min(found.box.width, found.box.height) > 0]
        self.most = max(self.most, len(boxes))
        if not boxes:
            return
        if not self.boxes:
            self.boxes.append(max(boxes, key=lambda box: box.width * box.height))
            return
        nearest = max(boxes, key=lambda box: overlap(self.boxes[-1], box))
        if overlap(self.boxes[-1], nearest) > 0:
            self.boxes.append(nearest)


def looked_at(footage: UprightFootage) -> list[int]:
    """The frames that stand for all: a few a second, with the first and the last."""
    every = max(1, round(footage.fps / LOOKS_PER_SECOND))
    return sorted({*range(0, footage.frames, every), footage.frames - 1})
