"""From rows to clips: which have to be cut out of which footage, and which cannot be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES
from lia_bench.preprocessing.clip_table import MetadataRow, MetadataTable
from lia_bench.preprocessing.crops import Cut
from lia_bench.preprocessing.download.unavailable import read_unavailable
from lia_bench.preprocessing.outcome import Outcome, Position
from lia_bench.preprocessing.published_rule import clip_name


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
    """The footage of a folder by the name without its suffix, mp4 before other containers.

    Raises:
        InputError: no such folder, or no video in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such footage folder; name the folder of <video_id>.mp4 with --footage")
    found = [path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != "."]
    if not found:
        raise InputError(f"{folder}: the folder holds no video; put the footage there as <video_id>.mp4")
    return {path.stem: path for path in sorted(found, key=by_name_and_container, reverse=True)}


def by_name_and_container(path: Path) -> tuple[Path, bool, Path]:
    """What footage is sorted by: of files that differ in the suffix alone the first one counts, which is mp4."""
    return path.with_suffix(".mp4"), path.suffix.lower() != ".mp4", path


def read_names(path: Path) -> frozenset[str]:
    """The lines of a text file, without the empty ones.

    Raises:
        InputError: no such file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not readable as a list of names: {error}") from error
    return frozenset(line.strip() for line in lines if line.strip())


def plan_from_table(table: MetadataTable, footage: Path) -> Plan:
    """A cut for every row of a published table, by the rules of the published code.

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
        file = row.video_id if row.video_id in videos else row.video_id.split("#")[0]
        if earlier is not row:
            decided.append(cut.outcome("dropped", _clash(earlier, row)))
        elif file in videos:
            cuts.append(replace(cut, video=videos[file]))
        else:
            decided.append(cut.outcome("unavailable", _absence(file, gone)))
    return Plan(tuple(cuts), tuple(decided))


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


def share_of(plan: Plan, shard: tuple[int, int]) -> Plan:
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
