"""From rows to clips: which have to be cut out of which footage, and which cannot be."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import click

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.names import printable, same_name
from lia_bench.core.text_files import read_list
from lia_bench.core.video.files import divide_files, left_out_line
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.clip_table import MetadataRow, MetadataTable
from lia_bench.preprocessing.download.unavailable import FILE_NAME as UNAVAILABLE
from lia_bench.preprocessing.download.unavailable import read_unavailable
from lia_bench.preprocessing.ledger import Outcome, Position
from lia_bench.preprocessing.published_rule import clip_name


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
class Plan:
    """What a run has to do.

    Attributes:
        cuts: clips to cut.
        decided: rows whose outcome needs no cutting.
    """

    cuts: tuple[Cut, ...]
    decided: tuple[Outcome, ...]


def videos_in(folder: Path) -> dict[str, Path]:
    """The footage of a folder by the name without its suffix, as of `same_name`; mp4 before other containers.

    Files that are no videos are named.

    Raises:
        InputError: no such folder, or no video in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such footage folder; name the folder of <video_id>.mp4 with --footage")
    files = sorted(path for path in folder.iterdir() if not path.is_dir() and path.name[0] != ".")
    found, others = divide_files(files)
    if not found:
        raise InputError(f"{folder}: the folder holds no video; put the footage there as <video_id>.mp4")
    left_out = left_out_line(folder, [path for path in others if path.name != UNAVAILABLE])
    if left_out:
        click.echo(printable(left_out), err=True)
    return {same_name(path.stem): path for path in sorted(found, key=by_name_and_container, reverse=True)}


def by_name_and_container(path: Path) -> tuple[Path, bool, Path]:
    """What footage is sorted by: of files that differ in the suffix alone the first one counts, which is mp4."""
    return path.with_suffix(".mp4"), path.suffix.lower() != ".mp4", path


def read_names(path: Path) -> frozenset[str]:
    """The names in a text file, one a line.

    Raises:
        InputError: no such file, or no list.
    """
    try:
        return frozenset(read_list(path))
    except UnreadableTextError as error:
        raise InputError(f"{path}: not readable as a list of names: {error.reason}") from error


def plan_from_table(table: MetadataTable, footage: Path, shard: tuple[int, int] = (1, 1)) -> Plan:
    """A cut for every row of a published table that falls to a shard, by the rules of the published code.

    A video's first row says for all its rows at which rate they count, in which frame boxes are measured, who is
    seen and which partition it is.

    Raises:
        InputError: no footage at all.
    """
    videos, gone = videos_in(footage), read_unavailable(footage)
    references: dict[str, MetadataRow] = {}
    taken: dict[tuple[str, str], MetadataRow] = {}
    cuts: list[Cut] = []
    decided = [
        Outcome((row.line,), f"line-{row.line}", row.text["partition"], row.text, "failed", f"bad_row: {row.reason}")
        for row in table.unusable
    ]
    for row in table.rows:
        reference = references.setdefault(row.video_id, row)
        cut = cut_of_row(row, reference, clip_name(row.video_id, reference.person_id, row.start, row.end), (row.line,))
        earlier = taken.setdefault((cut.partition, cut.clip), row)
        whole, file = row.video_id, row.video_id.split("#")[0]
        found = videos.get(same_name(whole)) or videos.get(same_name(file))
        if earlier is not row:
            decided.append(cut.outcome("dropped", _clash(earlier, row)))
        elif found:
            cuts.append(replace(cut, video=found))
        else:
            decided.append(cut.outcome("unavailable", _absence(file, gone)))
    return _share_of(Plan(tuple(cuts), tuple(decided)), shard)


def cut_of_row(row: MetadataRow, reference: MetadataRow, clip: str, position: Position, video: Path = Path()) -> Cut:
    """The cut that a row asks for, where `reference` says what holds for its whole video."""
    return Cut(
        position=position,
        clip=clip,
        partition=reference.partition,
        cells=row.text,
        video=video,
        start=row.start,
        end=row.end,
        fps=reference.fps,
        box=row.bbox,
        frame_size=(reference.width, reference.height),
    )


def _absence(video: str, gone: Mapping[str, str]) -> str:
    if video in gone:
        return f"gone_video: {gone[video]}"
    return f"missing_video: there is no {video}.mp4 in the footage folder"


def _clash(earlier: MetadataRow, row: MetadataRow) -> str:
    if earlier.bbox == row.bbox and earlier.video_id == row.video_id:
        return f"duplicate_row: the row says the same as line {earlier.line}"
    return f"same_name: line {earlier.line} gives a clip of the same name"


def _share_of(plan: Plan, shard: tuple[int, int]) -> Plan:
    """The part of a plan that falls to shard `(number, count)`, number from 1; a video is never divided."""
    videos = _share([*(_video(cut.cells) for cut in plan.cuts), *(_video(row.cells) for row in plan.decided)], shard)
    return Plan(
        tuple(cut for cut in plan.cuts if _video(cut.cells) in videos),
        tuple(outcome for outcome in plan.decided if _video(outcome.cells) in videos),
    )


def videos_of_share(table: MetadataTable, shard: tuple[int, int]) -> list[str]:
    """The videos that shard `(number, count)` of a table's plan cuts, in the table's order."""
    of_rows = [_video(row.text) for row in table.rows]
    videos = _share([*of_rows, *(_video(row.text) for row in table.unusable)], shard)
    return list(dict.fromkeys(video for video in of_rows if video in videos))


def _share(videos: Iterable[str], shard: tuple[int, int]) -> frozenset[str]:
    number, count = shard
    return frozenset(sorted(set(videos))[number - 1 :: count])


def _video(cells: Mapping[str, str]) -> str:
    return cells["video_id"].split("#")[0]


def draw(name: str) -> float:
    """A number in [0, 1) by the name of a person or video alone, so that what comes later moves nothing."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def with_both_partitions(plan: Plan) -> Plan:
    """A plan of which one person or video tests and one trains, where two have clips to cut.

    Of what is tested by a draw, nothing may be found: then the next one tests, and likewise for training.
    """
    names = sorted({_person(cut.cells) for cut in plan.cuts}, key=draw)
    there = {cut.partition for cut in plan.cuts}
    if len(names) < 2 or len(there) > 1:
        return plan
    partition, moved = ("test", names[0]) if there == {"train"} else ("train", names[-1])
    return Plan(
        tuple(replace(cut, partition=partition) if _person(cut.cells) == moved else cut for cut in plan.cuts),
        tuple(replace(row, partition=partition) if _person(row.cells) == moved else row for row in plan.decided),
    )


def _person(cells: Mapping[str, str]) -> str:
    return cells.get("person_id") or cells.get("video_id", "")
