"""Pairs of the cross task: source and driving clips of different persons, drawn, and as files name them."""

import csv
import hashlib
import io
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lia_bench.core.atomic import write_text
from lia_bench.core.errors import InputError, LiaBenchError, UnreadableTextError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.text_files import cell_text, read_table
from lia_bench.leaderboards.results.report import ClipPair

PAIRS = "pairs.csv"

# FOMM's authors animate as many pairs of test clips.
USUAL_COUNT = 50


def draw_pairs(driving: Sequence[Clip], sources: Sequence[Clip], count: int, seed: int) -> list[ClipPair]:
    """`count` different pairs; every driving clip is drawn once before one is drawn again.

    A clip without a person_id counts as a person of its own.

    Raises:
        InputError: there are not that many pairs.
    """
    generator = random.Random(seed)
    possible = count_pairs(driving, sources)
    if count > possible:
        raise InputError(
            f"{count} pairs of clips of different persons were asked for and there are {possible}: "
            "take fewer --pairs, or --task reconstruction alone"
        )
    pairs: dict[ClipPair, None] = {}
    while len(pairs) < count:
        for clip in generator.sample(driving, len(driving))[: count - len(pairs)]:
            others = (ClipPair(source.name, clip.name) for source in sources if _person(source) != _person(clip))
            free = [pair for pair in others if pair not in pairs]
            if free:
                pairs[generator.choice(free)] = None
    return list(pairs)


def count_pairs(driving: Sequence[Clip], sources: Sequence[Clip]) -> int:
    """How many pairs of different persons there are."""
    sources_of = Counter(_person(clip) for clip in sources)
    return sum(len(sources) - sources_of[_person(clip)] for clip in driving)


def _person(clip: Clip) -> tuple[str, str]:
    return ("person", clip.person_id) if clip.person_id is not None else ("clip", clip.name)


class MismatchedVideosError(LiaBenchError):
    """Two videos that are to be compared frame by frame have not the same frames."""


def pairs_text(pairs: Sequence[ClipPair]) -> str:
    """What pairs.csv holds: source and driving clip of each pair, and the source's frame where one is not the first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    with_frames = any(pair.frame for pair in pairs)
    writer.writerow(["source", "driving", *(["frame"] if with_frames else [])])
    writer.writerows((pair.source, pair.driving, *([pair.frame] if with_frames else [])) for pair in pairs)
    return text.getvalue()


def pairs_sha256(pairs: Sequence[ClipPair]) -> str:
    """SHA-256 of the file that holds them."""
    return hashlib.sha256(pairs_text(pairs).encode(errors="surrogateescape")).hexdigest()


def write_pairs(path: Path, pairs: Sequence[ClipPair]) -> None:
    """Write pairs.csv, unless one is there, which is nobody's to overwrite.

    Raises:
        InputError: the one that is there names other pairs.
    """
    text = pairs_text(pairs)
    if not path.exists():
        write_text(path, text)
    elif path.read_text(encoding="utf-8-sig", errors="replace") != text:
        raise InputError(
            f"{path}: names other pairs than this evaluation animates, and is not overwritten: "
            "give it as --pairs-file under another --name, or remove it"
        )


def read_pair_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The lines of a list of pairs by number, each with its cells by column, source and driving among them.

    Raises:
        InputError: no such file, or no such columns.
    """
    try:
        table = read_table(path)
    except UnreadableTextError as error:
        raise InputError(f"{path}: no list of pairs: {error.reason}; give a CSV file with source,driving") from None
    missing = [column for column in ("source", "driving") if column not in table.columns]
    if missing:
        raise InputError(f"{path}: has no column {', '.join(missing)}; its first line has to be source,driving")
    padded = [(line, [*map(cell_text, cells), *[""] * len(table.columns)]) for line, cells in table.lines]
    return [(line, dict(zip(table.columns, cells, strict=False))) for line, cells in padded]
