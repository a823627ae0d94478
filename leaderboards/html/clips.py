"""The clips of a table as compact plain data for the page, with their videos put beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lia_bench.core.console import progress
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.names import printable
from lia_bench.core.video import open_indexed
from lia_bench.core.video.reader import NOMINAL_FPS
from lia_bench.leaderboards.board.measured_rows import MeasuredRow
from lia_bench.leaderboards.html.media import Media, slug
from lia_bench.leaderboards.results.report import ClipEntry, ModelResult

VIDEO, FLOW = 1, 2
"""What there is of a model on a clip; the page adds them up in one digit."""
SOURCE, DRIVING = 1, 2


@dataclass
class _Clip:
    """A clip of any of the folders: its entries there, each with the folder."""

    name: str
    source: str
    frames: int
    entries: list[tuple[Path, ClipEntry]] = field(default_factory=list)


def clip_content(rows: Sequence[MeasuredRow], metrics: Sequence[str], media: Media, title: str) -> dict[str, Any]:
    """What the page needs of all clips that the rows of one table were measured on.

    Args:
        rows: of the table.
        metrics: columns of the table.
        media: takes the videos.
        title: of the table, which its folder of videos is called by.

    Returns:
        plain data: `values` by metric, row and clip; `has` a string of digits for each row, sums of VIDEO and FLOW; of
        each clip `[name, source, frames, fps, folder, SOURCE and DRIVING summed]`.

    Raises:
        OSError: a video can be neither linked nor copied.
    """
    clips = _united(rows)
    results = [_results(row) for row in rows]
    shown = [name for name in metrics if any(_value(r, name) is not None for own in results for r in own.values())]
    stems = [f"{number}-{slug(row.label)}" for number, row in enumerate(rows)]
    folder = PurePosixPath(slug(title))
    has = [""] * len(rows)
    listed: list[list[Any]] = []
    for number, (key, clip) in enumerate(progress(clips.items(), title="videos", unit="clip", shown=len(clips) > 20)):
        own = folder / f"{number:04d}-{slug(clip.name)}"
        parts, fps = _shared_files(clip, media, own)
        listed.append([printable(clip.name), printable(clip.source), clip.frames, fps, str(media.name / own), parts])
        for column, row in enumerate(rows):
            result = results[column].get(key)
            kinds = ((VIDEO, result.video, ""), (FLOW, result.flow_video, "-flow")) if result else ()
            there = sum(
                kind
                for kind, named, suffix in kinds
                if media.put(row.folder, named, own / f"{stems[column]}{suffix}.mp4")
            )
            has[column] += str(there)
    return {
        "metrics": shown,
        "contestants": [row.place for row in rows],
        "files": stems,
        "clips": listed,
        "values": [[[_value(of_row.get(key), name) for key in clips] for of_row in results] for name in shown],
        "has": has,
    }


def _united(rows: Sequence[MeasuredRow]) -> dict[tuple[str, str], _Clip]:
    """The clips of all rows by source and driving clip, in the order of the first folder that has them."""
    clips: dict[tuple[str, str], _Clip] = {}
    for row in rows:
        for entry in row.measurement.clips:
            clip = clips.setdefault((entry.source, entry.clip), _Clip(entry.clip, entry.source, entry.frames))
            if all(folder != row.folder for folder, _ in clip.entries):
                clip.entries.append((row.folder, entry))
    return clips


def _results(row: MeasuredRow) -> dict[tuple[str, str], ModelResult]:
    return {(clip.source, clip.clip): clip.models[row.measurement.index] for clip in row.measurement.clips}


def _shared_files(clip: _Clip, media: Media, place: PurePosixPath) -> tuple[int, float]:
    """Put the source picture and the driving video beside the page; which there are, and the rate of frames."""
    there, fps = 0, NOMINAL_FPS
    for folder, entry in clip.entries:
        if not there & SOURCE and media.put(folder, entry.source_picture, place / "source.png"):
            there |= SOURCE
        if not there & DRIVING and (driving := media.put(folder, entry.driving_video, place / "driving.mp4")):
            there |= DRIVING
            fps = _frames_per_second(driving)
    return there, fps


def _frames_per_second(video: Path) -> float:
    try:
        with open_indexed(video) as reader:
            return round(reader.properties.fps, 4)
    except UnreadableVideoError:
        # The page's player shows what can be shown of it, and says so where that is nothing.
        return NOMINAL_FPS


def _value(result: ModelResult | None, metric: str) -> float | None:
    score = result.scores.get(metric) if result else None
    return None if score is None or score.value is None else float(f"{score.value:.5g}")
