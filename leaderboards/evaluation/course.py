"""How an evaluation goes through clips: which frames drive, from which one on, with what views of the source."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from lia_bench.core.errors import InputError
from lia_bench.core.names import counted
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import FrameReader, open_indexed
from lia_bench.core.video.animated_pictures import is_animated
from lia_bench.core.video.image import holds_picture, open_picture
from lia_bench.core.video.picture_readers import StillReader, is_strip
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.evaluation.pairs import MismatchedVideosError
from lia_bench.leaderboards.evaluation.request import EvaluationRequest
from lia_bench.leaderboards.evaluation.streams import Views
from lia_bench.metrics.best_start import EXTRACTOR_OF, PosePoints, best_match, no_match


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

    def views(self, source: Clip, reader: FrameReader, frame: int) -> Views:
        """A source's frame and the further views of it, the same for every model and start.

        Args:
            source: the clip that `reader` has open; it has frames enough, as `check_views` says.
            frame: which of its frames is the source.
        """
        others = [number for number in range(len(reader)) if number != frame]
        drawn = random.Random(f"{self.seed} {source.name}").sample(others, self.references)
        return Views(reader.frame(frame), [reader.frame(other) for other in drawn], self.best_of_references)

    def check_views(self, sources: Sequence[Clip]) -> None:
        """Raise InputError for the first of the sources whose clip has fewer further frames than are asked for."""
        for clip in dict.fromkeys(sources) if self.references else ():
            with open_source(clip.path) as reader:
                there = len(reader) - 1
            if there < self.references:
                raise InputError(
                    f"--references {self.references}: {clip.name} has {counted(there, 'frame')} beside the source's: "
                    "take fewer, or leave it out with --clips or --pairs-file"
                )

    def start(self, source: Frame, driving: FrameReader, end: int, transfer: Sequence[str]) -> Frame | None:
        """The driving frame before `end` that relative transfer begins from; None for the first.

        Args:
            transfer: modes of the models; where all are absolute, none begins from a frame.

        Raises:
            MismatchedVideosError: no frame can be compared with the source.
        """
        if self.points is None or set(transfer) == {"absolute"}:
            return None
        place = best_match(self.points.of(source), map(self.points.of, islice(driving, end)))
        if place is None:
            raise MismatchedVideosError(str(no_match("the source", driving.properties.path, self.subject)))
        return driving.frame(place)


def open_course(request: EvaluationRequest, subject: str) -> Course:
    """How clips are gone through; the landmarker is loaded where the best start is asked for.

    Raises:
        InputError: the best start of clips that show neither faces nor bodies.
        MissingWeightsError: the landmarker's weights are not here.
    """
    points = None
    if request.start == "best" and "cross" in request.tasks:
        if subject not in EXTRACTOR_OF:
            raise InputError(
                "--start best looks for faces or bodies, and nothing says that these clips show any: name the "
                "--subject, or take --start first"
            )
        points = PosePoints(subject)
    return Course(
        max_frames=request.max_frames,
        skip_source_frame=request.skip_source_frame,
        references=request.references,
        best_of_references=request.best_of_references,
        set_side=request.set_side,
        seed=request.seed,
        points=points,
        subject=subject,
    )


def driving_frames(driving: FrameReader, end: int, start: Frame | None) -> Iterator[Frame]:
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
