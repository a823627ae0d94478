"""VoxCeleb's annotation files: which face of which frames of a video belongs to a person."""

import math
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.text_files import read_lines, separator_of
from lia_bench.preprocessing.boxes import Box

ANNOTATION_FPS = 25
"""Frames a second that annotations count in, whatever the footage has."""

ANNOTATION_HEIGHT = 360
"""Height of the frames that annotated boxes are measured in."""

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
    if frame < 0 or not all(map(math.isfinite, (left, top, width, height))) or min(width, height) <= 0:
        raise InputError(f"{path}, line {number}: '{line}' is no face: negative frame, no size or not a number")
    return frame, Box(left, top, left + width, top + height)
