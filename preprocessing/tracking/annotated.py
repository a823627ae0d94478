"""VoxCeleb's annotation files, and the tubes of the faces that they name: the published procedure (crop_vox.py)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.text_files import read_lines, separator_of
from lia_bench.preprocessing.boxes import Box, join, overlap
from lia_bench.preprocessing.detection.detector import (
    Detection,
    Detector,
    UprightFootage,
    scaled,
    scaled_frames,
    size_at_height,
    watch,
)
from lia_bench.preprocessing.published_rule import frames_of_row
from lia_bench.preprocessing.search import Finding
from lia_bench.preprocessing.tracking.tubes import NO_FACE, VOXCELEB_TUBES, Origin, Tube, TubeRule, judge

ANNOTATION_FPS = 25
"""Frames a second that annotations count in, whatever the footage has."""

ANNOTATION_HEIGHT = 360
"""Height of the frames that annotated boxes are measured in."""

LAST_FRAME = 10**8
"""More than a thousand hours at that rate."""

BATCH = 16
"""Frames shown to the detector at a time."""

_HEADER_LINES = 6
_COLUMNS = ("FRAME", "X", "Y", "W", "H")


@dataclass(frozen=True)
class Utterance:
    """One annotated stretch of a video with one person's face.

    Attributes:
        person_id: who is seen.
        video_id: in which video.
        name: of the utterance, as its file is called.
        first_frame: counted from 0 at 25 frames a second.
        last_frame: the last annotated one, which itself does not belong to the utterance.
        boxes: of the face, one a frame from `first_frame` to `last_frame`, in pixels of a frame 360 high.
    """

    person_id: str
    video_id: str
    name: str
    first_frame: int
    last_frame: int
    boxes: tuple[Box, ...]

    @property
    def times(self) -> tuple[float, float]:
        """Start and end in seconds, to the millisecond, as the published script names its chunks."""
        return round(self.first_frame / ANNOTATION_FPS, 3), round(self.last_frame / ANNOTATION_FPS, 3)

    @property
    def offset(self) -> int:
        """The frame that the published script counts the utterance's tubes from: the start time turned back."""
        return round(self.times[0] * ANNOTATION_FPS)


def find_annotations(folder: Path) -> tuple[list[Path], list[InputError]]:
    """The annotation files <person>/<video>/<utterance>.txt of a folder, sorted, and the folders nobody may read.

    Raises:
        InputError: there is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder of annotation files; name the one that holds <person>/<video>/<utterance>.txt"
        )
    files: list[Path] = []
    problems: list[InputError] = []

    def entries(parent: Path) -> list[Path]:
        try:
            return sorted(parent.iterdir())
        except OSError as error:
            problems.append(InputError(f"{parent}: not readable: {error.strerror}; mend its permissions"))
            return []

    for person in entries(folder):
        for video in entries(person) if person.is_dir() else ():
            files += [file for file in entries(video) if file.suffix == ".txt"] if video.is_dir() else []
    if not files:
        cause = f" ({problems[0]})" if problems else ""
        raise InputError(
            f"{folder}: no annotation file{cause}; name the folder that holds <person>/<video>/<utterance>.txt"
        )
    return files, problems


def read_utterance(path: Path, aspect: float) -> Utterance:
    """One annotation file, of VoxCeleb1 (pixels) or VoxCeleb2 (fractions of the frame), told apart by its numbers.

    Args:
        path: <person>/<video>/<utterance>.txt
        aspect: width over height of the video, which turns fractions into pixels.

    Raises:
        InputError: the file is not readable, not such a table, skips a frame, or annotates less than two frames.
    """
    try:
        lines = read_lines(path)
    except UnreadableTextError as error:
        raise InputError(
            f"{path}: not readable as an annotation: {error.reason}; unpack the annotations again"
        ) from error
    separator = separator_of(lines[_HEADER_LINES]) if len(lines) > _HEADER_LINES else "\t"
    names = [name.strip() for name in lines[_HEADER_LINES].split(separator)] if len(lines) > _HEADER_LINES else []
    if not set(_COLUMNS) <= set(names):
        raise InputError(
            f"{path}, line {_HEADER_LINES + 1}: the columns {' '.join(_COLUMNS)} were expected here, "
            "behind the six lines of a VoxCeleb annotation; unpack the annotations again"
        )
    places = [names.index(name) for name in _COLUMNS]
    rows: list[tuple[int, Box]] = []
    for number, line in enumerate(lines[_HEADER_LINES + 1 :], _HEADER_LINES + 2):
        if line.strip():
            frame, box = _parse(path, number, line.split(separator), places)
            if rows and frame != rows[-1][0] + 1:
                raise InputError(f"{path}, line {number}: frame {frame} follows {rows[-1][0]}; frames must be in order")
            rows.append((frame, box))
    if len(rows) < 2:
        raise InputError(f"{path}: {len(rows)} annotated frames; an utterance has two at least")
    boxes = [box for _, box in rows]
    # No face is a pixel wide or high.
    if max(max(box.width, box.height) for box in boxes) <= 1:
        across, down = ANNOTATION_HEIGHT * aspect, ANNOTATION_HEIGHT
        boxes = [Box(box.left * across, box.top * down, box.right * across, box.bottom * down) for box in boxes]
    person, video = path.parent.parent.name, path.parent.name
    return Utterance(person, video, path.stem, rows[0][0], rows[-1][0], tuple(boxes))


def _parse(path: Path, number: int, cells: list[str], places: list[int]) -> tuple[int, Box]:
    line = "\t".join(cells).strip()
    try:
        frame = int(cells[places[0]])
        left, top, width, height = (float(cells[place]) for place in places[1:])
    except (ValueError, IndexError):
        raise InputError(
            f"{path}, line {number}: '{line}' is not a frame number and four numbers X Y W H, "
            "separated by tabs; unpack the annotations again"
        ) from None
    if not 0 <= frame <= LAST_FRAME:
        raise InputError(f"{path}, line {number}: frame {frame} is none of a video; unpack the annotations again")
    if not all(map(math.isfinite, (left, top, width, height))) or min(width, height) <= 0:
        raise InputError(f"{path}, line {number}: '{line}' is no face: no size or not a number")
    return frame, Box(left, top, left + width, top + height)


def annotated_tubes(boxes: Iterable[Box], frames: int, rule: TubeRule) -> Iterator[Tube]:
    """Tubes over the boxes of successive frames, where NO_FACE stands for a missed face.

    A tube ends where a box overlaps too little with the tube's first one, or where it has the maximal length; missed
    faces next to each other make a tube of their own. Of `boxes` and `frames` the shorter counts. With more frames
    than boxes the end of the last tube is one too large, as in the published code; its number of frames is right.
    """
    first = box_around = NO_FACE
    start = end = 0
    for index, box in zip(range(frames), boxes, strict=False):
        if index > start and (overlap(first, box) < rule.iou_with_first or index - start >= rule.max_frames):
            yield Tube(start, index, index - start, box_around)
            start = index
        if index == start:
            first = box_around = box
        box_around = join(box_around, box)
        end = index + 1
    if end:
        yield Tube(start, end + 1 if frames > end else end, end - start, box_around)


def face_of(annotated: Box, detections: Sequence[Detection]) -> Box:
    """The detection that overlaps most with an annotated box, however little that is; NO_FACE without any."""
    return max((detection.box for detection in detections), key=lambda box: overlap(annotated, box), default=NO_FACE)


def search_utterance(
    footage: UprightFootage,
    utterance: Utterance,
    detector: Detector,
    partition: str,
    rule: TubeRule = VOXCELEB_TUBES,
) -> list[Finding]:
    """The clips of one utterance, and the tubes that a rule leaves out, in their order.

    Frames are taken at 25 a second, each as a row of that rate would select it, and shown to the detector 360 pixels
    high. Rows count at 25 frames a second from the start of the video. A clip is called
    <person>#<video>#<utterance>#<number>, where the number counts every tube. Stretches in which the detector misses
    the face take a number as well but are no finding: an empty list says that it never found one.

    Args:
        footage: the video.
        utterance: whose face, and when.
        detector: finds faces.
        partition: "train" or "test".
        rule: when tubes end and which become clips.

    Raises:
        InputError: the footage ends before the utterance begins.
        UnreadableVideoError: a frame cannot be decoded.
    """
    ticks = range(utterance.first_frame, utterance.last_frame)
    shown = [frames_of_row(tick, tick + 1, ANNOTATION_FPS, footage.fps).start for tick in ticks]
    shown = [index for index in shown if index < footage.frames]
    if not shown:
        raise InputError(
            f"{utterance.person_id}/{utterance.video_id}/{utterance.name}: it begins at {utterance.times[0]} s, behind "
            f"the {footage.frames} frames of {footage.path.name}; get the whole video"
        )
    frames = scaled_frames(footage, shown, size_at_height(footage, ANNOTATION_HEIGHT))
    seen = watch(frames, detector, BATCH)
    faces = (face_of(annotated, found) for annotated, (_, found) in zip(utterance.boxes, seen, strict=False))
    factor = footage.height / ANNOTATION_HEIGHT
    boxes = (_clipped(scaled(face, factor, factor)) for face in faces)
    size = (footage.width, footage.height)
    origin = Origin(utterance.video_id, utterance.person_id, ANNOTATION_FPS, size, partition)
    name = f"{utterance.person_id}#{utterance.video_id}#{utterance.name}"
    return [
        judge(_shifted(tube, utterance.offset), rule.crop, origin, f"{name}#{number:03d}")
        for number, tube in enumerate(annotated_tubes(boxes, len(shown), rule))
        if tube.box != NO_FACE
    ]


def _clipped(box: Box) -> Box:
    return Box(*(max(side, 0.0) for side in box))


def _shifted(tube: Tube, frames: int) -> Tube:
    return Tube(tube.start + frames, tube.end + frames, tube.frames, tube.box)
