"""One clip through all models at once: decoded once, animated, scored and shown side by side."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, tee
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import FrameReader, open_video, resize, to_frame, to_tensor, write_video
from lia_bench.leaderboards.contestants import Contestant
from lia_bench.leaderboards.side_by_side import SideBySide
from lia_bench.metrics.scorer import ClipMeter, FrameScorer


@dataclass(frozen=True)
class ClipTask:
    """One animation that every model is to make.

    Attributes:
        number: its place among all animations of the evaluation.
        task: 'reconstruction' or 'cross'.
        source: the clip whose first frame is animated.
        driving: the clip whose every frame drives.
        transfer: 'absolute' or 'relative'.
    """

    number: int
    task: str
    source: Clip
    driving: Clip
    transfer: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others of an evaluation."""
        return self.task, self.source.name, self.driving.name

    @property
    def video(self) -> Path:
        """Where its side-by-side video goes, below the folder of videos."""
        same = self.source.name == self.driving.name
        name = self.driving.name if same else f"{self.source.name}--by--{self.driving.name}"
        return Path(self.task) / f"{name.replace('/', '_')}.mp4"


@dataclass(frozen=True)
class Judges:
    """How frames are scored: `size` (height, width) of all frames, frames in a batch, scorers, and the device."""

    size: tuple[int, int]
    batch_size: int
    scorers: Sequence[FrameScorer]
    device: torch.device


def evaluate_clip(
    task: ClipTask, contestants: Sequence[Contestant], judges: Judges, video: Path | None
) -> dict[str, Any]:
    """Animate, score and film one clip; memory does not grow with its length.

    Frames are scored as the models put them out, clamped to [0, 1] and not rounded. Without a reference (another
    person is driven) there is nothing to score.

    Returns:
        the clip's entry of the report: number, task, clip, source, frames, and for each model the seconds that it
        rendered and its scores.

    Raises:
        UnreadableVideoError: a clip cannot be read to its end; nothing is left behind.
        LiaBenchError: a model failed.
    """
    with open_video(task.driving.path) as driving, open_video(task.source.path) as sources:
        source = to_tensor(resize(sources.frame(0), judges.size))
        evaluation = _Evaluation(task, contestants, judges, source, _frames(driving, judges.size))
        if video is None:
            for _ in evaluation.rows():
                pass
        else:
            write_video(video, evaluation.pictures(), driving.properties.fps)
    return evaluation.entry()


class _Evaluation:
    """The state of one clip on its way."""

    def __init__(
        self,
        task: ClipTask,
        contestants: Sequence[Contestant],
        judges: Judges,
        source: Tensor,
        driving: Iterator[Tensor],
    ) -> None:
        self._task = task
        self._contestants = contestants
        self._judges = judges
        self._source = source
        # The models take frames a batch at a time and in step, so that tee holds little more than a batch.
        self._reference, *branches = tee(driving, len(contestants) + 1)
        self._streams = [
            _TimedStream(contestant, task, source, branch, judges.batch_size)
            for contestant, branch in zip(contestants, branches, strict=True)
        ]
        scorers = judges.scorers if task.task == "reconstruction" else ()
        self._meters = [[ClipMeter(scorer) for scorer in scorers] for _ in contestants]
        self._frames = 0

    def rows(self) -> Iterator[tuple[Tensor, ...]]:
        """For each frame the driving frame and every model's, (3, H, W) in [0, 1], scored on the way."""
        rows = zip(self._reference, *self._streams, strict=True)
        while batch := list(islice(rows, self._judges.batch_size)):
            self._score(batch)
            self._frames += len(batch)
            yield from batch

    def pictures(self) -> Iterator[Any]:
        """The same rows as pictures, source first."""
        captions = ["source", "driving", *(contestant.label for contestant in self._contestants)]
        layout = SideBySide(captions, *self._judges.size)
        source = to_frame(self._source)
        for row in self.rows():
            yield layout.picture([source, *(to_frame(frame) for frame in row)])

    def entry(self) -> dict[str, Any]:
        """What the report keeps of the clip."""
        return {
            "number": self._task.number,
            "task": self._task.task,
            "clip": self._task.driving.name,
            "source": self._task.source.name,
            "frames": self._frames,
            "models": [
                {"seconds": stream.seconds, "scores": _scores(meters)}
                for stream, meters in zip(self._streams, self._meters, strict=True)
            ],
        }

    def _score(self, batch: Sequence[tuple[Tensor, ...]]) -> None:
        if not any(self._meters):
            return
        reference, *generated = (torch.stack(frames).to(self._judges.device) for frames in zip(*batch, strict=True))
        for frames, meters in zip(generated, self._meters, strict=True):
            for meter in meters:
                meter.update(frames, reference)


class _TimedStream:
    """A model's frames, with the seconds that the model itself took for them."""

    def __init__(
        self, contestant: Contestant, task: ClipTask, source: Tensor, driving: Iterator[Tensor], batch_size: int
    ) -> None:
        self._contestant = contestant
        self._clip = task.driving.name
        self._start = (source, self._watched(driving), task.transfer, batch_size)
        self._frames: Iterator[Tensor] | None = None
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        begun = time.perf_counter()
        try:
            if self._frames is None:
                self._frames = self._contestant.animator.animate_stream(*self._start)
            return next(self._frames)
        except (LiaBenchError, StopIteration):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(
                f"{self._contestant.label} failed on clip {self._clip}: {type(error).__name__}: {reason}; "
                "finished clips are kept, and the same command goes on from here"
            ) from error
        finally:
            self.seconds += time.perf_counter() - begun

    def _watched(self, driving: Iterator[Tensor]) -> Iterator[Tensor]:
        """The driving frames; the time spent on getting them is taken off."""
        while True:
            begun = time.perf_counter()
            frame = next(driving, None)
            self.seconds -= time.perf_counter() - begun
            if frame is None:
                return
            yield frame


def _frames(reader: FrameReader, size: tuple[int, int]) -> Iterator[Tensor]:
    return (to_tensor(resize(frame, size)) for frame in reader)


def _scores(meters: Sequence[ClipMeter]) -> Mapping[str, Any]:
    return {name: asdict(score) for meter in meters for name, score in meter.results().items()}
