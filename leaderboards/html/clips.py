"""The clips of a table as compact plain data for the page, with their videos put beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.progress import progress
from lia_bench.core.video import open_indexed
from lia_bench.core.video.reader import NOMINAL_FPS
from lia_bench.leaderboards.html.media import Media, slug
from lia_bench.leaderboards.html.reports import Behind
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


def clip_content(
    contestants: Sequence[tuple[int, str, Behind]], metrics: Sequence[str], media: Media, place: str
) -> dict[str, Any]:
    """What the page needs of all clips that the contestants of one table were measured on.

    Args:
        contestants: for each its row in the table, its label and where its clips are.
        metrics: columns of the table.
        media: takes the videos.
        place: folder of the videos below that of the media.

    Returns:
        plain data. `values` is by metric, contestant and clip; `has` a string of digits
        for each contestant, sums of VIDEO and FLOW; of each clip `[name, source, frames, fps, folder, SOURCE and
        DRIVING summed]`.

    Raises:
        OSError: a video can be neither linked nor copied.
    """
    clips = _united([behind for _, _, behind in contestants])
    results = [_results(behind) for _, _, behind in contestants]
    shown = [name for name in metrics if any(_value(r, name) is not None for own in results for r in own.values())]
    stems = [f"{number}-{slug(label)}" for number, (_, label, _) in enumerate(contestants)]
    has = [""] * len(contestants)
    listed: list[list[Any]] = []
    for number, (key, clip) in enumerate(progress(clips.items(), title="videos", unit="clip", shown=len(clips) > 20)):
        folder = PurePosixPath(place) / f"{number:04d}-{slug(clip.name)}"
        parts, fps = _shared_files(clip, media, folder)
        listed.append([clip.name, clip.source, clip.frames, fps, str(media.name / folder), parts])
        for column, (_, _, behind) in enumerate(contestants):
            result = results[column].get(key)
            kinds = ((VIDEO, result.video, ""), (FLOW, result.flow_video, "-flow")) if result else ()
            there = sum(
                kind
                for kind, named, suffix in kinds
                if media.put(behind.folder, named, folder / f"{stems[column]}{suffix}.mp4")
            )
            has[column] += str(there)
    return {
        "metrics": shown,
        "contestants": [row for row, _, _ in contestants],
        "files": stems,
        "clips": listed,
        "values": [[[_value(own.get(key), name) for key in clips] for own in results] for name in shown],
        "has": has,
    }


def _united(sources: Sequence[Behind]) -> dict[tuple[str, str], _Clip]:
    """The clips of all contestants by source and driving clip, in the order of the first folder that has them."""
    clips: dict[tuple[str, str], _Clip] = {}
    for behind in sources:
        for entry in behind.measurement.clips:
            clip = clips.setdefault((entry.source, entry.clip), _Clip(entry.clip, entry.source, entry.frames))
            if all(folder != behind.folder for folder, _ in clip.entries):
                clip.entries.append((behind.folder, entry))
    return clips


def _results(behind: Behind) -> dict[tuple[str, str], ModelResult]:
    pairs = zip(behind.measurement.clips, behind.measurement.results(), strict=True)
    return {(clip.source, clip.clip): result for clip, result in pairs}


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
