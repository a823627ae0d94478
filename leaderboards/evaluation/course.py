"""How an evaluation goes through clips: which frames drive, from which one on, with what views of the source."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from lia_bench.core.errors import InputError, LiaBenchError, UnreadableVideoError
from lia_bench.core.names import counted
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import FrameReader, open_indexed
from lia_bench.core.video.animated_pictures import is_animated
from lia_bench.core.video.image import holds_picture, open_picture
from lia_bench.core.video.picture_readers import StillReader, is_strip
from lia_bench.core.video.reader import Frame
from lia_bench.metrics.best_start import PosePoints, best_match, no_match


class MismatchedVideosError(LiaBenchError):
    """Two videos that are to be compared frame by frame have not the same frames."""


@dataclass(frozen=True)
class Views:
    """What is known of a source.

    Attributes:
        source: uint8 (H, W, 3).
        references: further views of it, likewise; for models that take them.
        best: whether a model that takes none is run from each view, and its frame nearest to the true one (L1) counts.
    """

    source: Frame
    references: Sequence[Frame] = ()
    best: bool = False


@dataclass(frozen=True)
class Frames:
    """Frames of a clip that count.

    Attributes:
        first, end: from `first` up to, but not including `end`.
    """

    first: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.first)

    def key(self, sha256: str, length: int) -> str:
        """What features of these frames are cached by, of a clip of `length` frames and that SHA-256."""
        return sha256 if (self.first, self.end) == (0, length) else f"{sha256}-frames-{self.first}-{self.end}"


@dataclass(frozen=True)
class OpenClip:
    """A clip on its course, the same for every model.

    Attributes:
        views: of the source.
        start: the driving frame that relative transfer begins from; None is the first.
        driving: all frames to render, uint8 (H, W, 3), the one to start from before the others.
        skipped: so many of these, the first ones, count for nothing.
        fps: driving frames a second.
        counted: how many frames count.
        key: what features of these are cached by.
        source_frames: those of the source's clip that distances of sets are measured from; None where they are measured
            from the driving clip's.
        source_key: what features of these are cached by.
        source_count: how many they are.
    """

    views: Views
    start: Frame | None
    driving: Iterator[Frame]
    skipped: int
    fps: float
    counted: int
    key: str
    source_frames: Iterator[Frame] | None = None
    source_key: str = ""
    source_count: int = 0


@dataclass(frozen=True)
class Course:
    """What the clips of an evaluation have in common; without a word, whole clips from their first frames.

    Attributes:
        max_frames: only the first so many frames of a clip drive; None is all.
        skip_source_frame: whether the first frame, which is the source, is left out of the numbers of reconstruction.
        references: further views of the source, drawn from its clip.
        best_of_references: whether a model that takes none is run from each view, and each frame's best counts.
        set_side: 'driving' or 'source': the clips that distances of sets are measured from, in the cross task.
        seed: of the views.
        points: reads off where a subject's points are, for the best start of relative transfer; None starts from the
            first frame.
        subject: what those points are of.
    """

    max_frames: int | None = None
    skip_source_frame: bool = False
    references: int = 0
    best_of_references: bool = False
    set_side: str = "driving"
    seed: int = 0
    points: PosePoints | None = None
    subject: str = ""

    @contextmanager
    def opened(
        self, task: str, source: Clip, driving: Clip, frame: int, transfers: Sequence[str]
    ) -> Iterator[OpenClip]:
        """Open a clip as it is gone through.

        Args:
            task: 'reconstruction' or 'cross'.
            source: the clip of which a frame is animated; it has frames enough, as `check_views` says.
            driving: the clip whose frames drive.
            frame: which of the source's frames it is.
            transfers: modes of the models.

        Raises:
            UnreadableVideoError: a clip cannot be read, or is not the one that was prepared.
            MismatchedVideosError: no frame counts, or relative transfer can begin from none.
        """
        with open_indexed(driving.path) as frames, open_source(source.path) as sources:
            views = self._views(source, sources, frame)
            counted = self.counted(frames, task)
            key = counted.key(driving.checked_sha256(), len(frames))
            source_key = source.checked_sha256() if source != driving else key
            start = self._start(views.source, frames, counted.end, transfers) if task == "cross" else None
            opened = OpenClip(
                views=views,
                start=start,
                driving=_driving_frames(frames, counted.end, start),
                skipped=counted.first + (start is not None),
                fps=frames.properties.fps,
                counted=len(counted),
                key=key,
            )
            if self.set_side == "source" and task == "cross":
                own = self.counted(sources, task)
                of_sets = islice(sources, own.end)
                opened = replace(
                    opened,
                    source_frames=of_sets,
                    source_key=own.key(source_key, len(sources)),
                    source_count=len(own),
                )
            yield opened

    def counted(self, clip: FrameReader, task: str) -> Frames:
        """The frames of a clip that count.

        Raises:
            MismatchedVideosError: there are none.
        """
        end = min(len(clip), self.max_frames or len(clip))
        frames = Frames(int(self.skip_source_frame and task == "reconstruction"), end)
        if not frames:
            raise MismatchedVideosError(f"{clip.properties.path}: --skip-source-frame leaves no frame of it")
        return frames

    def check_views(self, sources: Sequence[Clip]) -> None:
        """Raise InputError for the first of the sources whose clip has fewer further frames than are asked for.

        One that cannot be read is passed over: it is left out when its turn comes.
        """
        for clip in dict.fromkeys(sources):
            with suppress(UnreadableVideoError), open_source(clip.path) as reader:
                if (there := len(reader) - 1) < self.references:
                    raise InputError(
                        f"--references {self.references}: {clip.name} has {counted(there, 'frame')} beside the "
                        "source's: take fewer, or leave it out with --clips or --pairs-file"
                    )

    def _views(self, source: Clip, reader: FrameReader, frame: int) -> Views:
        """The frame of a source, whose clip `reader` has open, and further ones, the same for every model and start."""
        others = [number for number in range(len(reader)) if number != frame]
        drawn = random.Random(f"{self.seed} {source.name}").sample(others, self.references)
        return Views(reader.frame(frame), [reader.frame(other) for other in drawn], self.best_of_references)

    def _start(self, source: Frame, driving: FrameReader, end: int, transfers: Sequence[str]) -> Frame | None:
        """The driving frame before `end` to begin from; where all modes are absolute, none begins from a frame."""
        if self.points is None or set(transfers) == {"absolute"}:
            return None
        place = best_match(self.points.of(source), map(self.points.of, islice(driving, end)))
        if place is None:
            raise MismatchedVideosError(str(no_match("the source", driving.properties.path, self.subject)))
        return driving.frame(place)


def _driving_frames(driving: FrameReader, end: int, start: Frame | None) -> Iterator[Frame]:
    """Frames up to `end`, after the one to start from where it is not the first."""
    frames = iter(driving) if end == len(driving) else islice(driving, end)
    return chain([start], frames) if start is not None else iter(frames)


def open_source(path: Path) -> FrameReader:
    """A clip as `open_indexed` opens it; a still picture is a clip of one frame.

    Raises:
        UnreadableVideoError: it cannot be read.
    """
    return StillReader(path) if _is_still(path) else open_indexed(path)


def _is_still(path: Path) -> bool:
    if path.is_dir() or not holds_picture(path) or is_animated(path):
        return False
    with open_picture(path) as image:
        return not is_strip(image.width, image.height)
