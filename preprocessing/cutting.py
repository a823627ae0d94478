"""Footage and a table of clips to a prepared dataset, by the rules of the published `load_videos.py`."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from lia_bench.core.atomic import write_json
from lia_bench.core.errors import InputError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.progress import progress
from lia_bench.core.provenance import versions
from lia_bench.preprocessing.crops import ClipFormat, Cut, VideoJob, cut_video
from lia_bench.preprocessing.ledger import Ledger
from lia_bench.preprocessing.metadata import MetadataRow, read_metadata
from lia_bench.preprocessing.outcome import Outcome, Preparation, write_clips_table
from lia_bench.preprocessing.processes import in_processes
from lia_bench.preprocessing.selection import clip_name

LIBRARIES = ("av", "decord", "numpy", "scikit-image")


def prepare_by_metadata(
    footage: Path,
    metadata: Path,
    output: Path,
    *,
    recipe: str,
    size: int,
    format: ClipFormat,
    workers: int,
    arguments: Mapping[str, Any],
) -> Preparation:
    """Cut every row of a table whose footage is there, and write clips.csv and dataset.json.

    A run that was killed and started again keeps the clips that are finished and whole. A row that cannot be cut
    has its reason in clips.csv and does not stop the others; `outcome.report` turns that into an exit code.

    Args:
        footage: folder of <video_id>.mp4.
        metadata: CSV with the published columns.
        output: folder of the dataset; train/ and test/ come into it.
        recipe: name that dataset.json gives for what was done.
        size: side of the clips in pixels.
        format: "mp4" files or "png" folders.
        workers: processes that cut, one video each at a time.
        arguments: what dataset.json notes of the command's options.

    Raises:
        InputError: no footage folder, nothing in it, an unusable table, or a size H.264 does not have.
    """
    if format == "mp4" and size % 2:
        raise InputError(f"--size {size}: H.264 needs an even size; give {size + 1}, or --format png")
    rows = read_metadata(metadata)
    _check_footage(footage)
    cuts, dropped = _plan(rows)
    ledger = Ledger(output)
    outcomes = {outcome.row.line: outcome for outcome in dropped}
    jobs = []
    for job in _jobs(cuts, footage, output, size, format):
        known = _known(job, ledger)
        outcomes |= {outcome.row.line: outcome for outcome in known}
        left = tuple(cut for cut in job.cuts if cut.row.line not in outcomes)
        if left:
            jobs.append(replace(job, cuts=left))
    if jobs:
        ledger.begin()
        _cut(jobs, workers, output, outcomes)
    ledger.compact(cut.path(format) for cut in cuts if outcomes[cut.row.line].status == "ok")
    return _write(output, [outcomes[row.line] for row in rows], recipe, {"size": size, "format": format, **arguments})


def _check_footage(footage: Path) -> None:
    if not footage.is_dir():
        raise InputError(f"{footage}: no such footage folder; name the folder of <video_id>.mp4 with --footage")
    if not any(footage.glob("*.mp4")):
        raise InputError(f"{footage}: the folder holds no mp4; put the footage there as <video_id>.mp4")


def _plan(rows: Iterable[MetadataRow]) -> tuple[list[Cut], list[Outcome]]:
    """A cut for every row but those whose clip an earlier row has made."""
    references: dict[str, MetadataRow] = {}
    taken: dict[tuple[str, str], MetadataRow] = {}
    cuts, dropped = [], []
    for row in rows:
        reference = references.setdefault(row.video_id, row)
        name = clip_name(row.video_id, reference.person_id, row.start, row.end)
        earlier = taken.setdefault((reference.partition, name), row)
        if earlier is row:
            cuts.append(Cut(name, row, reference))
        else:
            same = earlier.bbox == row.bbox and earlier.video_id == row.video_id
            reason = (
                f"duplicate_row: the row says the same as line {earlier.line}"
                if same
                else f"same_name: line {earlier.line} gives a clip of the same name"
            )
            dropped.append(Outcome(name, reference.partition, row, "dropped", reason))
    return cuts, dropped


def _jobs(cuts: Iterable[Cut], footage: Path, output: Path, size: int, clip_format: ClipFormat) -> Iterator[VideoJob]:
    ordered = sorted(cuts, key=lambda cut: (cut.row.video_id, cut.row.start))
    for video_id, group in groupby(ordered, key=lambda cut: cut.row.video_id):
        yield VideoJob(footage / f"{video_id.split('#')[0]}.mp4", tuple(group), output, size, clip_format)


def _known(job: VideoJob, ledger: Ledger) -> list[Outcome]:
    """What needs no cutting: rows without footage, and clips that an earlier run has finished."""
    if not job.video.is_file():
        reason = f"missing_video: there is no {job.video.name} in the footage folder"
        return [Outcome(cut.clip, cut.reference.partition, cut.row, "unavailable", reason) for cut in job.cuts]
    return [
        Outcome(cut.clip, cut.reference.partition, cut.row, "ok", entry.note, entry.frames, entry.sha256)
        for cut in job.cuts
        if (entry := ledger.find(cut.path(job.clip_format), job.made_from(cut)))
    ]


def _cut(jobs: list[VideoJob], workers: int, output: Path, outcomes: dict[int, Outcome]) -> None:
    # Until the run is over there is no table, so that half a dataset is not taken for a whole one.
    for name in ("dataset.json", "clips.csv"):
        (output / name).unlink(missing_ok=True)
    total = len(outcomes) + sum(len(job.cuts) for job in jobs)
    try:
        with progress(title="cutting", total=total, unit="clip", start=len(outcomes)) as bar:
            for made in in_processes(cut_video, jobs, workers):
                outcomes |= {outcome.row.line: outcome for outcome in made}
                bar.update(len(made))
    finally:
        _clear_partial(output)


def _clear_partial(output: Path) -> None:
    """Remove what a killed process left half-written."""
    for path in output.glob("*/.*.partial*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write(output: Path, outcomes: list[Outcome], recipe: str, arguments: Mapping[str, Any]) -> Preparation:
    table = output / "clips.csv"
    write_clips_table(table, outcomes)
    preparation = Preparation(output, tuple(outcomes), sha256_of_file(table))
    good = preparation.of("ok")
    write_json(
        output / "dataset.json",
        {
            "recipe": recipe,
            "arguments": {key: str(value) if isinstance(value, Path) else value for key, value in arguments.items()},
            "versions": {**versions(), **{name: _version(name) for name in LIBRARIES}},
            "counts": {
                "rows": len(outcomes),
                **preparation.counts,
                "clips": {name: sum(clip.partition == name for clip in good) for name in ("train", "test")},
                "frames": sum(clip.frames for clip in good),
            },
            "hash": preparation.hash,
        },
    )
    return preparation


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
