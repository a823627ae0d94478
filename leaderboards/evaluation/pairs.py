"""Pairs of the cross task, source and driving clips of different persons: drawn, or as a user's file names them."""

import csv
import hashlib
import io
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.atomic import write_text
from lia_bench.core.clips_table import TABLE
from lia_bench.core.errors import InputError, UnreadableTextError, UnreadableVideoError
from lia_bench.core.names import counted, same_name
from lia_bench.core.prepared_dataset import PARTITIONS, VIDEO_SUFFIXES, Clip, open_dataset
from lia_bench.core.text_files import cell_text, read_table
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.readers import sha256_of_video
from lia_bench.leaderboards.evaluation.course import open_source
from lia_bench.leaderboards.evaluation.request import SPLIT
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


def read_pairs(path: Path, sources: Sequence[Clip], driving: Sequence[Clip]) -> list[ClipPair]:
    """The pairs that a file names: columns source and driving, and perhaps frame, which of the source is animated.

    Clips are named as in the dataset, or with the suffix of a video, as FOMM's lists have them.

    Raises:
        InputError: no such file, no such columns, no pair, a pair twice, or a clip or frame that is not there.
    """
    known = [{same_name(clip.name): clip for clip in clips} for clips in (sources, driving)]
    pairs: dict[tuple[str, str], ClipPair] = {}
    unknown = []
    for line, row in read_pair_rows(path):
        names = [row["source"], row["driving"]]
        found = [_named(name, clips) for name, clips in zip(names, known, strict=True)]
        unknown += [f"line {line}: '{name}'" for name, clip in zip(names, found, strict=True) if clip is None]
        source, driver = found
        if source is None or driver is None:
            continue
        if (source.name, driver.name) in pairs:
            raise InputError(f"{path}: line {line}: {source.name} and {driver.name} are there twice: remove one line")
        pair = ClipPair(source.name, driver.name, _frame(row.get("frame") or "0", source, f"{path}: line {line}"))
        pairs[source.name, driver.name] = pair
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise InputError(
            f"{path}: {counted(len(unknown), 'clip')} that it names {'is' if len(unknown) == 1 else 'are'} not among "
            f"the {len(sources)} sources and {len(driving)} driving clips: {unknown[0]}{more}; remove those lines, or "
            "name the dataset that has them (--dataset, --sources)"
        )
    if not pairs:
        raise InputError(f"{path}: the list names no pair; a line has a source and a driving clip")
    return list(pairs.values())


def _named(name: str, clips: dict[str, Clip]) -> Clip | None:
    key = same_name(name)
    bare = key.rpartition(".")[0] if Path(key).suffix.lower() in {*VIDEO_SUFFIXES, ".png", ".jpg"} else key
    return clips.get(key) or clips.get(bare)


def _frame(text: str, source: Clip, where: str) -> int:
    if not text.isdecimal():
        raise InputError(f"{where}: frame is '{text[:20]}': give the number of a frame of {source.name}, from 0")
    if (number := int(text)) > 0:
        with open_source(source.path) as reader:
            if number >= len(reader):
                raise InputError(
                    f"{where}: {source.name} has {counted(len(reader), 'frame')}, and none of number {text}"
                )
    return number


@dataclass(frozen=True)
class SourceSet:
    """Clips that sources are taken from.

    Attributes:
        name: of the dataset or folder.
        identity: the name with the first digits of a hash over what is there.
        clips: each of one frame or more.
    """

    name: str
    identity: str
    clips: Sequence[Clip]


def open_sources(named: str, data: Path) -> SourceSet:
    """The test clips of a prepared dataset or a folder of clips, or the pictures that lie in a folder.

    Raises:
        InputError: there is no such dataset or folder, or nothing in it.
    """
    folder = Path(named)
    if folder.is_dir() and not any((folder / name).exists() for name in (TABLE, *PARTITIONS)):
        pictures = [path for path in sorted(folder.iterdir()) if path.is_file() and holds_picture(path)]
        if pictures:
            lines = "".join(f"{same_name(path.name)} {sha256_of_video(path)}\n" for path in pictures)
            digest = hashlib.sha256(lines.encode(errors="surrogateescape")).hexdigest()
            name = folder.resolve().name
            return SourceSet(name, f"{name}#{digest[:12]}", [_still(path) for path in pictures])
    dataset = open_dataset(named, data)
    return SourceSet(dataset.name, f"{dataset.name}#{dataset.hash[:12]}", dataset.partition(SPLIT))


def _still(path: Path) -> Clip:
    return Clip(path.stem, path, SPLIT, None)


def check_sizes(sources: SourceSet, used: Sequence[Clip], driving: Sequence[Clip]) -> None:
    """Refuse sources of another size than the driving clips', which resizing would blur or bend unseen.

    What cannot be read is passed over: it is left out when its turn comes.

    Raises:
        InputError: the first that has another size.
    """
    size = first_size(driving)
    for clip in dict.fromkeys(used):
        own = first_size([clip])
        if size and own and own != size:
            raise InputError(
                f"--sources {sources.name}: {clip.name} has {own[1]}x{own[0]} pixels, and the driving clips "
                f"{size[1]}x{size[0]}: prepare the sources at that size "
                f"(lia-bench preprocess portraits --size {size[1]})"
            )


def first_size(clips: Sequence[Clip]) -> tuple[int, int] | None:
    """Height and width of the first of some clips that can be read; None where none can."""
    for clip in clips:
        with suppress(UnreadableVideoError), open_source(clip.path) as reader:
            return reader.properties.height, reader.properties.width
    return None
