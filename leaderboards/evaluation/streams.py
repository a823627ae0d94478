"""What one model makes of one clip, frame by frame, and the time it takes for it."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import tee
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import open_indexed, resize, to_tensor
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.evaluation.course import Views
from lia_bench.leaderboards.evaluation.films import Rendered
from lia_bench.leaderboards.evaluation.request import FLOWS, EvaluationRequest
from lia_bench.models.acceleration import rounding
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.motion_marks import Marks, recorded_flows, recorded_marks

Item = TypeVar("Item")


class Stopwatch:
    """Counts while it runs, but not while an iterable that it was told of is at work.

    Attributes:
        seconds: counted so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done in this context."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begun

    def without(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, to be drawn while it runs: the time that each takes to come is not counted."""
        source = iter(items)
        while True:
            begun = time.perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.seconds -= time.perf_counter() - begun
            yield item


Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class Contestant:
    """A model as an evaluation runs it.

    Attributes:
        label: what tables and captions call it.
        animator: the model.
        seen: size of the source and driving frames that it is given.
        transfers: of each task the transfer mode that it takes.
        device: where it renders.
    """

    label: str
    animator: Animator
    seen: Size
    transfers: Mapping[str, str]
    device: torch.device


class TimedStream:
    """A model's frames, flows and marks, with the seconds that the model itself took for them.

    Attributes:
        watch: has counted what the model took so far, without the decoding of the driving frames.
    """

    def __init__(
        self,
        model: Contestant,
        task: str,
        clip: str,
        views: Views,
        driving: Iterator[Mapping[Size, Frame]],
        size: Size,
        batch_size: int,
        kinds: Collection[str] = (),
    ) -> None:
        """Takes what it is to render, and what of it is wanted.

        Args:
            driving: frames, uint8 (H, W, 3), at every size that is needed.
            size: of the frames that are compared.
            kinds: of `KINDS`, what is to come with the frames.
        """
        self._model = model
        self._clip = clip
        self._size = size
        self.watch = Stopwatch()
        takes = model.animator.takes_references
        several = [views.source, *views.references] if views.best and not takes else [views.source]
        references = [_seen(view, model) for view in views.references] if takes else None
        self._truth, *branches = tee(driving, len(several) + 1) if len(several) > 1 else (iter(()), driving)
        self._starts = [
            (_seen(view, model), self.watch.without(self._driving(branch)))
            for view, branch in zip(several, branches, strict=True)
        ]
        self._setting: dict[str, Any] = {
            "transfer": model.transfers[task],
            "batch_size": batch_size,
            "references": references,
            # The time of a batch is the model's own, and its flows and marks are those of the frames that come next.
            "ahead": False,
        }
        self._frames: list[Iterator[Tensor]] = []
        self._kinds = frozenset(kinds) if len(several) == 1 else frozenset()
        self._flows: Iterator[Tensor] = iter(())
        self._marks: Iterator[Marks] = iter(())

    def _driving(self, frames: Iterator[Mapping[Size, Frame]]) -> "Iterator[Frame | Tensor]":
        """What the model is driven by: of a GPU whole levels, a quarter of the bytes to copy there."""
        levels = (each[self._model.seen] for each in frames)
        return levels if self._model.device.type == "cuda" else map(to_tensor, levels)

    def __iter__(self) -> "TimedStream":
        return self

    def __next__(self) -> Rendered:
        if not self._kinds:
            return Rendered(self._next_frame(), None)
        with recorded_flows() as flows, recorded_marks() as marks:
            frame = self._next_frame()
        # Where there are some, a batch has been rendered, and they are its frames'.
        if flows and FLOWS in self._kinds:
            self._flows = iter(flows[-1].pixels(*frame.shape[1:]).cpu())
        if any(marks.has(kind) for kind in self._kinds):
            self._marks = marks.each()
        return Rendered(frame, next(self._flows, None), next(self._marks, None))

    def _next_frame(self) -> Tensor:
        """The model's next frame at the size of the comparison; of several, the one nearest to the true frame."""
        try:
            with self.watch.running():
                if not self._frames:
                    animate = self._model.animator.animate_stream
                    self._frames = [animate(*start, **self._setting) for start in self._starts]
                rendered = [next(frames) for frames in self._frames]
        except (LiaBenchError, StopIteration, torch.OutOfMemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(
                f"{self._model.label} failed on clip {self._clip}: {type(error).__name__}: {reason}; "
                "finished clips are kept, and the same command goes on from here"
            ) from error
        compared = [_compared(frame, self._size) for frame in rendered]
        if len(compared) == 1:
            return compared[0]
        true = to_tensor(next(self._truth)[self._size])
        return min(compared, key=lambda frame: float((frame - true).abs().mean()))


def rounding_of(
    models: Sequence[Contestant], request: EvaluationRequest, clips: Iterable[Clip], tell: Callable[[str], None]
) -> dict[str, Any]:
    """What the precision that was asked for does to a frame of the first clip that can be read; `tell` is told.

    Returns:
        the same for the report.
    """
    shown = next((frames for frames in map(_first_and_middle, clips) if frames), ())
    changes = {}
    for model in models if shown else ():
        driving = torch.stack([_seen(frame, model) for frame in shown])
        change = rounding(model.animator, driving[0], driving, model.transfers[request.tasks[0]])
        tell(f"{model.label}: {request.precision} changes a frame by {change}")
        changes[model.label] = asdict(change)
    return {"rounding": changes}


def _first_and_middle(clip: Clip) -> tuple[Frame, ...]:
    """Two frames of a clip; none of one that cannot be read, which is left out when its turn comes."""
    try:
        with open_indexed(clip.path) as reader:
            return reader.frame(0), reader.frame(len(reader) // 2)
    except UnreadableVideoError:
        return ()


def _seen(view: Frame, model: Contestant) -> Tensor:
    return to_tensor(resize(view, model.seen))


def _compared(frame: Tensor, size: Size) -> Tensor:
    """A model's frame (3, H, W) at the size of the comparison: bilinear, and smoothed where it shrinks."""
    if frame.shape[1:] == size:
        return frame
    return F.interpolate(frame[None], size=size, mode="bilinear", antialias=True)[0].clamp(0, 1)
