"""The clips of a plan cut out of their footage, each once, however often the run is interrupted."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from lia_bench.core.console import progress
from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.video import encoder_options, resize, sha256_of_video, write_png_folder, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.footage import (
    Footage,
    described,
    footage_stamp,
    open_carefully,
    open_quickly,
    without_folder,
)
from lia_bench.preprocessing.ledger import Entry, Ledger, Notes, Outcome, remove_partial_clips
from lia_bench.preprocessing.plan import Cut, Plan
from lia_bench.preprocessing.published_rule import frames_of_row, scale_box
from lia_bench.preprocessing.workers.engine import Died, Engine

ClipFormat = Literal["mp4", "png"]


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


def cut_clips(plan: Plan, output: Path, size: int, clip_format: ClipFormat, engine: Engine) -> list[Outcome]:
    """An outcome for every clip of a plan; those that an earlier run has finished, and are still whole, are kept."""
    ledger = Ledger(output)
    jobs = [CutJob(cut, output, size, clip_format) for cut in plan.cuts]
    outcomes = [*plan.decided, *_finished(jobs, ledger)]
    finished = {outcome.position for outcome in outcomes}
    left = [job for job in jobs if job.cut.position not in finished]
    if left:
        ledger.begin()
        outcomes += _cut_all(left, output, engine, finished=len(outcomes))
    good = {outcome.position for outcome in outcomes if outcome.status == "ok"}
    ledger.compact([job.path for job in jobs if job.cut.position in good])
    return outcomes


def _finished(jobs: list[CutJob], ledger: Ledger) -> Iterator[Outcome]:
    if ledger.is_empty:
        return
    # Every finished clip is read from end to end, which takes minutes for a large dataset.
    for job in progress(jobs, title="checking", unit="clip"):
        known = _known(job, ledger)
        if known is not None:
            yield known


def _known(job: CutJob, ledger: Ledger) -> Outcome | None:
    entry = ledger.find(job.path, job.made_from())
    if entry is None:
        return None
    cut = job.cut
    return Outcome(cut.position, cut.clip, cut.partition, cut.cells, "ok", entry.note, entry.frames, entry.sha256)


def _cut_all(jobs: list[CutJob], output: Path, engine: Engine, finished: int) -> Iterator[Outcome]:
    # Until the run is over there is no table, so that half a dataset is not taken for a whole one.
    for name in ("dataset.json", "clips.csv"):
        (output / name).unlink(missing_ok=True)
    jobs = sorted(jobs, key=lambda job: (job.cut.video, job.cut.start))
    groups = [list(group) for _, group in groupby(jobs, key=lambda job: job.cut.video)]
    try:
        with progress(title="cutting", total=finished + len(jobs), unit="clip", start=finished) as bar:
            for job, result in engine.run(_cutter, groups):
                yield _lost(job.cut, result) if isinstance(result, Died) else result
                bar.update()
    finally:
        remove_partial_clips(output)


def _cutter() -> Callable[[CutJob], Outcome]:
    return cut_clip


def _lost(cut: Cut, died: Died) -> Outcome:
    return cut.outcome("failed", died.reason)


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
