"""One clip cut out of its footage: what a worker process does."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.video import encoder_options, resize, sha256_of_video, write_png_folder, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.footage import Footage, open_carefully, open_quickly
from lia_bench.preprocessing.ledger import Entry, Notes
from lia_bench.preprocessing.outcome import Outcome, Position
from lia_bench.preprocessing.published_rule import frames_of_row, scale_box

ClipFormat = Literal["mp4", "png"]


@dataclass(frozen=True)
class Cut:
    """A clip to cut.

    Attributes:
        position: its place in clips.csv.
        clip: name, free of the suffix.
        partition: "train" or "test".
        cells: what clips.csv says of it, as the table wrote it.
        video: the footage.
        start: first frame, counted at `fps`.
        end: the frame behind the last one; None takes all of the footage.
        fps: the rate that start and end count in.
        box: pixels in a frame of `frame_size`.
        frame_size: width and height of the frame that the box was measured in.
    """

    position: Position
    clip: str
    partition: str
    cells: Mapping[str, str]
    video: Path
    start: int
    end: int | None
    fps: float
    box: Box
    frame_size: tuple[float, float]

    def outcome(self, status: Literal["dropped", "failed", "unavailable"], reason: str) -> Outcome:
        """What clips.csv says when nothing was cut."""
        return Outcome(self.position, self.clip, self.partition, self.cells, status, reason)


@dataclass(frozen=True)
class CutJob:
    """A clip to cut, and where it goes.

    Attributes:
        cut: the clip.
        output: folder of the dataset.
        size: side of the clips in pixels.
        clip_format: mp4 files or folders of png.
    """

    cut: Cut
    output: Path
    size: int
    clip_format: ClipFormat

    @property
    def path(self) -> str:
        """Where the clip lies within the dataset."""
        return f"{self.cut.partition}/{self.cut.clip}{'.mp4' if self.clip_format == 'mp4' else ''}"

    def made_from(self) -> str:
        """All that the clip depends on, as one text.

        PyAV, which brings the codecs along, is a part of it: a run that goes on after an upgrade cuts anew, so that
        no dataset has clips of two encoders.
        """
        import av

        cut = self.cut
        parts = [*footage_stamp(cut.video), self.size, self.clip_format, cut.start, cut.end, cut.box, cut.fps]
        encoder = encoder_options() if self.clip_format == "mp4" else {}
        return json.dumps([*parts, cut.frame_size, av.__version__, encoder])


def footage_stamp(video: Path) -> tuple[int, int]:
    """What changes when footage changes: its size in bytes and the time of its last change; of none, -1 and -1."""
    try:
        status = video.stat()
    except OSError:
        # A link that leads nowhere, say: whoever opens it will say so.
        return -1, -1
    return status.st_size, status.st_mtime_ns


def cut_clip(job: CutJob) -> Outcome:
    """Cut one clip; it is in its place, whole, and noted, or the outcome says why not.

    The footage is decoded only where the clip lies; when a frame there does not come out right, the clip is tried
    again on footage that was decoded from its first frame, which tells what is damaged.

    Raises:
        OSError: the disk is full, or the output is not writable, so that no other clip could be written either.
    """
    try:
        return _cut(job)
    except (LiaBenchError, OSError):
        raise
    except Exception as error:
        return job.cut.outcome("failed", f"unexpected: {described(error, job.cut.video)}")


def described(error: Exception, video: Path) -> str:
    """An error that nobody foresaw, in one line, without the video's folder."""
    return f"{type(error).__name__}: {' '.join(without_folder(error, video).split())}"


def _cut(job: CutJob) -> Outcome:
    try:
        with open_quickly(job.cut.video) as footage:
            return _cut_from(footage, job)
    except UnreadableVideoError:
        pass
    try:
        footage = open_carefully(job.cut.video)
    except UnreadableVideoError as error:
        return job.cut.outcome("failed", f"unreadable_video: {without_folder(error, job.cut.video)}")
    with footage:
        try:
            return _cut_from(footage, job)
        except UnreadableVideoError as error:
            return job.cut.outcome("failed", f"damaged_video: {without_folder(error, job.cut.video)}")


def without_folder(error: Exception, video: Path) -> str:
    """The error's text with the name of the video alone: clips.csv is the same wherever the footage lies."""
    # realpath and not resolve, which raises for a link that leads to itself.
    return str(error).replace(os.path.realpath(video), video.name).replace(str(video), video.name)


def _cut_from(footage: Footage, job: CutJob) -> Outcome:
    cut = job.cut
    wanted = _wanted(cut, footage)
    there = range(wanted.start, min(wanted.stop, footage.frames))
    box = _clipped(scale_box(cut.box, cut.frame_size, footage.stored_size), footage.stored_size)
    problem = _problem(footage, wanted, there, box)
    if problem is not None:
        return cut.outcome("failed", problem)
    path = job.output / job.path
    frames = _write(path, _crops(footage, there, box, job.size), footage.clip_fps, job.clip_format)
    note = _note(footage, wanted, there)
    entry = Entry(job.path, job.made_from(), frames, sha256_of_video(path), note)
    Notes(job.output).add(entry)
    return Outcome(cut.position, cut.clip, cut.partition, cut.cells, "ok", note, frames, entry.sha256)


def _wanted(cut: Cut, footage: Footage) -> range:
    if cut.end is None:
        return range(footage.frames)
    return frames_of_row(cut.start, cut.end, cut.fps, footage.fps)


def _problem(footage: Footage, wanted: range, there: range, box: Box) -> str | None:
    name = footage.path.name
    if footage.defect is not None and len(there) < len(wanted):
        return (
            f"damaged_video: {name}: {footage.defect}; {footage.frames} frames can be read "
            f"and the row needs {wanted.start} to {wanted.stop - 1}"
        )
    if not wanted:
        return f"no_frames: the row ends at frame {wanted.stop} and starts at {wanted.start}"
    if not there:
        return f"no_frames: the row starts at frame {wanted.start} and {name} has {footage.frames}"
    if box.left >= box.right or box.top >= box.bottom:
        width, height = footage.stored_size
        return f"empty_box: nothing of the box lies in the {width}x{height} frame of {name}"
    return None


def _note(footage: Footage, wanted: range, there: range) -> str:
    notes = list(footage.remarks)
    if len(there) < len(wanted):
        notes.append(f"beyond_end: the video ends after {len(there)} of the row's {len(wanted)} frames")
    if footage.defect is not None:
        notes.append(f"damaged_after: {footage.defect}; this clip lies within its {footage.frames} good frames")
    return "; ".join(notes)


def _crops(footage: Footage, indices: range, box: Box, size: int) -> Iterator[Frame]:
    left, top, right, bottom = (int(side) for side in box)
    for index in indices:
        yield resize(footage.frame(index)[top:bottom, left:right], (size, size))
    footage.check_after(indices[-1])


def _clipped(box: Box, frame_size: tuple[int, int]) -> Box:
    # What of a box leaves the frame is cut off without notice, as slicing does.
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, frame_size[0]), min(box.bottom, frame_size[1]))


def _write(path: Path, frames: Iterator[Frame], fps: float, clip_format: ClipFormat) -> int:
    if clip_format == "png":
        count = write_png_folder(path, frames)
        file = path.with_name(f"{path.name}.mp4")
        if file.is_file():  # of a run with the other format: readers would take it for the clip
            file.unlink()
        return count
    count = write_video(path, frames, fps)
    folder = path.with_suffix("")
    if folder.is_dir():
        shutil.rmtree(folder)
    return count
