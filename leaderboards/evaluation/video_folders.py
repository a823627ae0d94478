"""Folders of videos that any program made: what goes together of them, and what trimming leaves of their frames."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from torch import Tensor

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.names import same_name
from lia_bench.core.prepared_dataset import Clip, PreparedDataset, open_dataset
from lia_bench.core.video import FrameReader, open_indexed
from lia_bench.core.video.files import VIDEO_SUFFIXES, holds_video
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.picture_readers import PICTURE_SUFFIXES
from lia_bench.leaderboards.evaluation.pairs import read_pair_rows
from lia_bench.leaderboards.evaluation.request import Trim

_SUFFIXES = VIDEO_SUFFIXES | PICTURE_SUFFIXES


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


def trimmed(images: Tensor, trim: Trim) -> Tensor:
    """What is left of images (..., H, W)."""
    top, right, bottom, left = trim
    height, width = images.shape[-2:]
    return images[..., top : height - bottom, left : width - right]


def trimmed_size(reader: FrameReader, trim: Trim) -> tuple[int, int]:
    """Height and width of what is left of a video's frames.

    Raises:
        InputError: nothing.
    """
    top, right, bottom, left = trim
    height, width = reader.properties.height - top - bottom, reader.properties.width - left - right
    if min(height, width) < 1:
        raise InputError(f"--trim {','.join(map(str, trim))}: nothing is left of {reader.properties.path}")
    return height, width


def usual_size(videos: Iterable[Path], trim: Trim) -> tuple[int, int]:
    """Height and width that most of the videos have, so that one odd or broken video stops nothing.

    Raises:
        UnreadableVideoError: none of them can be read.
        InputError: nothing is left of a frame.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    errors: list[UnreadableVideoError] = []
    for path in videos:
        try:
            with open_indexed(path) as reader:
                sizes[trimmed_size(reader, trim)] += 1
        except UnreadableVideoError as error:
            errors.append(error)
    if not sizes:
        raise errors[0]
    return sizes.most_common(1)[0][0]


def _listed_name(name: str) -> str:
    """Without the suffix of a video or picture."""
    return same_name(Path(name).stem if Path(name).suffix.lower() in _SUFFIXES else name)


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
