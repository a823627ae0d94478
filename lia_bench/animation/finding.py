"""Where the subject is: in a picture, or all through a video."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.animation.cropping import Framing, square_around
from lia_bench.core.console import progress
from lia_bench.core.errors import InputError, MissingWeightsError
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box, overlap
from lia_bench.preprocessing.detection.detector import Detection
from lia_bench.preprocessing.detection.registry import build_detector
from lia_bench.preprocessing.tracking.frames import UprightFootage, scaled, scaled_frames, size_at_height, watch

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
