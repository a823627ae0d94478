"""All rows of one video cut out of its footage: what a worker process does."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.video import FrameReader, open_footage, resize, sha256_of_video, write_png_folder, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.scan import Scan
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.ledger import Entry, Notes
from lia_bench.preprocessing.metadata import MetadataRow
from lia_bench.preprocessing.outcome import Outcome
from lia_bench.preprocessing.selection import constant_rate_order, frames_of_row, scale_box, stated_rate

ClipFormat = Literal["mp4", "png"]


@dataclass(frozen=True)
class Cut:
    """A row to cut.

    Attributes:
        clip: name, free of the suffix.
        row: the row of the table.
        reference: the video's first row, whose rate, frame size, partition and person hold for all its rows.
    """

    clip: str
    row: MetadataRow
    reference: MetadataRow

    def path(self, clip_format: ClipFormat) -> str:
        """Where the clip lies within the dataset."""
        return f"{self.reference.partition}/{self.clip}{'.mp4' if clip_format == 'mp4' else ''}"


@dataclass(frozen=True)
class VideoJob:
    """The cuts of one video.

    Attributes:
        video: the footage.
        cuts: what to cut out of it.
        output: folder of the dataset.
        size: side of the clips in pixels.
        clip_format: mp4 files or folders of png.
    """

    video: Path
    cuts: tuple[Cut, ...]
    output: Path
    size: int
    clip_format: ClipFormat

    def made_from(self, cut: Cut) -> str:
        """All that the clip of a cut depends on, as one text."""
        footage = self.video.stat()
        row, reference = cut.row, cut.reference
        parts = [footage.st_size, footage.st_mtime_ns, self.size, self.clip_format, row.start, row.end, row.bbox]
        return json.dumps([*parts, reference.fps, reference.width, reference.height])


def cut_video(job: VideoJob) -> list[Outcome]:
    """Cut every row of a job that can be cut; each clip is in its place, whole, before the next one is begun."""
    notes = Notes(job.output)
    try:
        footage = open_footage(job.video)
    except UnreadableVideoError as error:
        reason = f"unreadable_video: {_sentence(error, job.video)}"
        return [Outcome(cut.clip, cut.reference.partition, cut.row, "failed", reason) for cut in job.cuts]
    with footage.reader as reader:
        video = _Video(job, reader, footage.scan)
        return [video.cut(cut, notes) for cut in job.cuts]


class _Video:
    """Open footage, with the order in which its frames count."""

    def __init__(self, job: VideoJob, reader: FrameReader, scan: Scan) -> None:
        self.job = job
        self.reader = reader
        self.scan = scan
        order = constant_rate_order(scan)
        self.order: Sequence[int] = range(scan.frames) if order is None else order
        self.fps = scan.fps if order is None else scan.grid_rate
        self.notes = [] if order is None else [_VARIABLE.format(self.fps, scan.fps)]

    def cut(self, cut: Cut, notes: Notes) -> Outcome:
        """One clip, written and noted, or the reason why not."""
        row, reference = cut.row, cut.reference
        partition = reference.partition
        wanted = frames_of_row(row.start, row.end, reference.fps, stated_rate(self.scan.fps))
        there = range(wanted.start, min(wanted.stop, len(self.order)))
        box = scale_box(row.bbox, (reference.width, reference.height), (self.scan.width, self.scan.height))
        problem = self._problem(wanted, there, box)
        if problem is not None:
            return Outcome(cut.clip, partition, row, "failed", problem)
        path = self.job.output / cut.path(self.job.clip_format)
        try:
            frames = self._write(path, self._crops(there, box))
        except UnreadableVideoError as error:
            return Outcome(cut.clip, partition, row, "failed", f"damaged_video: {_sentence(error, self.job.video)}")
        note = self._note(wanted, there)
        entry = Entry(cut.path(self.job.clip_format), self.job.made_from(cut), frames, sha256_of_video(path), note)
        notes.add(entry)
        return Outcome(cut.clip, partition, row, "ok", note, frames, entry.sha256)

    def _problem(self, wanted: range, there: range, box: Box) -> str | None:
        name, frames = self.job.video.name, len(self.order)
        if self.scan.defect is not None and len(there) < len(wanted):
            return (
                f"damaged_video: {name}: {self.scan.defect}; {frames} frames can be read "
                f"and the row needs {wanted.start} to {wanted.stop - 1}"
            )
        if not wanted:
            return f"no_frames: the row ends at frame {wanted.stop} and starts at {wanted.start}"
        if not there:
            return f"no_frames: the row starts at frame {wanted.start} and {name} has {frames}"
        left, top, right, bottom = self._clipped(box)
        if left >= right or top >= bottom:
            return f"empty_box: nothing of the box lies in the {self.scan.width}x{self.scan.height} frame of {name}"
        return None

    def _note(self, wanted: range, there: range) -> str:
        notes = list(self.notes)
        if len(there) < len(wanted):
            notes.append(f"beyond_end: the video ends after {len(there)} of the row's {len(wanted)} frames")
        if self.scan.defect is not None:
            notes.append(f"damaged_after: {self.scan.defect}; this clip lies within its {len(self.order)} good frames")
        return "; ".join(notes)

    def _crops(self, indices: range, box: Box) -> Iterator[Frame]:
        left, top, right, bottom = self._clipped(box)
        for index in indices:
            crop = self.reader.frame(self.order[index])[top:bottom, left:right]
            yield resize(crop, (self.job.size, self.job.size))

    def _clipped(self, box: Box) -> tuple[int, int, int, int]:
        # What of a box leaves the frame is cut off without notice, as slicing does.
        left, top = int(box.left), int(box.top)
        return left, top, min(int(box.right), self.scan.width), min(int(box.bottom), self.scan.height)

    def _write(self, path: Path, frames: Iterator[Frame]) -> int:
        if self.job.clip_format == "png":
            return write_png_folder(path, frames)
        return write_video(path, frames, self.fps)


_VARIABLE = (
    "variable_rate: frames were repeated or dropped to an even {:.2f} a second and then counted at the mean rate "
    "{:.2f}, as the published code does; this clip need not show the moments that the row names"
)


def _sentence(error: UnreadableVideoError, video: Path) -> str:
    # clips.csv is the same wherever the footage lies.
    return str(error).replace(str(video.resolve()), video.name).replace(str(video), video.name)
