"""What goes together: source and driving clips of different persons, and generated videos with the true ones."""

import csv
import hashlib
import io
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lia_bench.core.atomic import write_text
from lia_bench.core.errors import InputError, LiaBenchError, UnreadableTextError
from lia_bench.core.names import same_name
from lia_bench.core.prepared_dataset import Clip, PreparedDataset, open_dataset
from lia_bench.core.text_files import cell_text, read_table
from lia_bench.core.video.files import VIDEO_SUFFIXES, holds_video
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES
from lia_bench.leaderboards.results.report import ClipPair

PAIRS = "pairs.csv"

_SUFFIXES = VIDEO_SUFFIXES | PICTURE_SUFFIXES

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


@dataclass(frozen=True)
class VideoPair:
    """A generated video, the one that it is held against, and the image that was animated.

    Attributes:
        number: its place among all of the scoring.
        task: 'reconstruction' or 'cross'.
        generated, reference: the two videos.
        source: the image; None where none was given.
        listed_source: what a list of pairs calls the source; empty where the two videos have one name.
    """

    number: int
    task: str
    generated: Clip
    reference: Clip
    source: Path | None
    listed_source: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others."""
        source = self.listed_source or (self.source.name if self.source else self.reference.name)
        return self.task, source, self.reference.name

    @property
    def place(self) -> PurePosixPath:
        """Where its videos go, below the folder of all videos."""
        name = self.reference.name if not self.listed_source else f"{self.listed_source}--by--{self.reference.name}"
        return PurePosixPath(self.task) / name.replace("/", "_")


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


def open_folder(folder: Path) -> PreparedDataset:
    """The videos of a folder, or of a prepared dataset its test clips.

    Raises:
        InputError: there is no such folder, or no video in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    dataset = open_dataset(str(folder), folder.parent)
    return replace(dataset, clips=tuple(clip for clip in dataset.clips if clip.partition == "test"))


def match(
    generated: PreparedDataset, reference: PreparedDataset, source: Path | None
) -> tuple[list[VideoPair], list[str]]:
    """Pairs of videos of one name, in the order of the reference; and a line for each that has no counterpart.

    Raises:
        InputError: no video has one.
    """
    made, ambiguous = _by_name(generated)
    true, ambiguous_truth = _by_name(reference)
    unmatched = [*ambiguous, *ambiguous_truth]
    unmatched += [f"{generated.folder}: there is no video for {name}" for name in true if name not in made]
    unmatched += [
        f"{clip.path}: {reference.folder} has no video of this name" for name, clip in made.items() if name not in true
    ]
    both = [(number, name) for number, name in enumerate(true) if name in made]
    if not both:
        raise InputError(
            f"{generated.folder}: none of its {len(made)} videos has the name of one of the {len(true)} in "
            f"{reference.folder}; videos are matched by name, whatever their suffix"
        )
    task = "reconstruction" if source is None else "cross"
    pairs: list[VideoPair] = []
    # Numbers name files of features: they stay the same when an image is added later.
    for number, name in both:
        image = _source_of(name, source) if source is not None else None
        if source is not None and image is None:
            unmatched.append(f"{source}: there is no image for {name}")
        else:
            pairs.append(VideoPair(number, task, made[name], true[name], image))
    if not pairs:
        raise InputError(f"{source}: it has no image of the name of any of the {len(both)} videos")
    return pairs, unmatched


def match_listed(
    generated: PreparedDataset, reference: PreparedDataset, source: Path | None, listed: Path
) -> tuple[list[VideoPair], list[str]]:
    """The videos that a list has: columns source, driving and generated, as `animate` writes it beside its results.

    Without the column generated, a video is called <source>--by--<driving>. Names are without or with suffixes.

    Returns:
        the pairs, and a line for each of the list of which a part is not there.

    Raises:
        InputError: no such list, no such columns, the same source and driving video twice, or none of it is there.
    """
    made, true = _by_name(generated)[0], _by_name(reference)[0]
    pairs: dict[tuple[str, str], VideoPair] = {}
    unmatched = []
    rows = read_pair_rows(listed)
    for line, row in rows:
        names = row["source"], row["driving"]
        own = _listed_name(row.get("generated") or f"{_listed_name(names[0])}--by--{_listed_name(names[1])}")
        clip, driving = made.get(own), true.get(_listed_name(names[1]))
        image = _source_of(_listed_name(names[0]), source) if source is not None else None
        missing = f"no video {own} in {generated.folder}" if clip is None else ""
        missing = missing or (f"no video {names[1]} in {reference.folder}" if driving is None else "")
        missing = missing or (f"no image {names[0]} in {source}" if source is not None and image is None else "")
        if clip is None or driving is None or missing:
            unmatched.append(f"{listed}: line {line}: there is {missing}")
            continue
        if names in pairs:
            raise InputError(f"{listed}: line {line}: {names[0]} and {names[1]} are there twice: remove one line")
        pairs[names] = VideoPair(len(pairs), "cross", clip, driving, image, _listed_name(names[0]))
    if not pairs:
        raise InputError(unmatched[0] if unmatched else f"{listed}: the list names no pair")
    return list(pairs.values()), unmatched


def _listed_name(name: str) -> str:
    """Without the suffix of a video or picture."""
    return same_name(Path(name).stem if Path(name).suffix.lower() in _SUFFIXES else name)


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


def _by_name(dataset: PreparedDataset) -> tuple[dict[str, Clip], list[str]]:
    """The videos that are the only ones of their name (`same_name`), and a line for each name that several have."""
    clips: dict[str, list[Clip]] = {}
    for clip in dataset.partition("test"):
        clips.setdefault(same_name(clip.name), []).append(clip)
    several = {name: own for name, own in clips.items() if len(own) > 1}
    lines = [
        f"{dataset.folder}: several videos are called {name}: {', '.join(clip.path.name for clip in own)}"
        for name, own in several.items()
    ]
    return {name: own[0] for name, own in clips.items() if name not in several}, lines


def _source_of(name: str, source: Path) -> Path | None:
    if source.is_file():
        return source
    named = (path for path in sorted(source.glob("*")) if name in (same_name(path.stem), same_name(path.name)))
    return next((path for path in named if path.is_dir() or holds_picture(path) or holds_video(path)), None)
