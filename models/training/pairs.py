"""Frame pairs and references, in the order of a run, and the batches that worker processes make of them.

What is drawn depends on the seed and the position alone.
"""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import FrameReader, resize
from lia_bench.core.video.files import has_one_frame
from lia_bench.core.video.readers import OpenReaders
from lia_bench.models.training.augmentation import PairAugmentation
from lia_bench.models.training.configuration import ExperimentConfiguration, ScheduleConfiguration
from lia_bench.models.training.random_states import Stream, generator


@dataclass(frozen=True)
class Place:
    """A sample's place: epoch, its number in the epoch, and the unit (clip or person) that is its turn."""

    epoch: int
    number: int
    unit: int


@dataclass(frozen=True)
class EpochPlan:
    """Every epoch goes through `units` clips or persons `repeats` times, in an order of its own.

    The last batch of an epoch is dropped where it is incomplete. Positions count the samples of the whole
    run, batch after batch, so that a run goes on anywhere without replaying what came before.
    """

    units: int
    repeats: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        samples = self.units * self.repeats
        if samples < self.batch_size:
            needed = -(-self.batch_size // self.units)
            raise InputError(
                f"an epoch has {samples} samples, less than one batch of {self.batch_size}: "
                f"--set data.repeats={needed} or --set data.batch_size={samples}"
            )

    @property
    def iterations_per_epoch(self) -> int:
        """Whole batches in an epoch."""
        return self.units * self.repeats // self.batch_size

    def iterations(self, schedule: ScheduleConfiguration) -> int:
        """Length of the whole run in iterations."""
        if schedule.iterations is not None:
            return schedule.iterations
        assert schedule.epochs is not None
        return schedule.epochs * self.iterations_per_epoch

    def epoch(self, iteration: int) -> int:
        """Epoch, from 0, that an iteration, from 0, belongs to."""
        return iteration // self.iterations_per_epoch

    def place(self, position: int) -> Place:
        """What stands at `position` = iteration times batch size plus row."""
        epoch, number = divmod(position, self.iterations_per_epoch * self.batch_size)
        return Place(epoch, number, int(_order(self.units, self.repeats, self.seed, epoch)[number]))


@lru_cache(maxsize=2)
def _order(units: int, repeats: int, seed: int, epoch: int) -> np.ndarray:
    return generator(seed, Stream.ORDER, epoch).permutation(units * repeats) % units


class ClipFrames:
    """Reads a few frames of a clip; clips used before are kept whole, resized, until `budget` bytes are used up.

    At its first use, and beyond the budget, a clip is read frame by frame, found by the file's index: training on
    18,000 clips starts at once, and no clip is decoded whole to be thrown away. A few files stay open.
    """

    def __init__(self, size: int, budget: int) -> None:
        """`size`: side of the frames in pixels."""
        self._size = size
        self._left = budget
        self._used: set[Path] = set()
        self._kept: dict[Path, np.ndarray] = {}
        self._readers = OpenReaders()

    def chosen(self, path: Path, choose: Callable[[int], Sequence[int]]) -> list[np.ndarray]:
        """Frames (size, size, 3) uint8 of the clip at `path`; `choose` takes its length, gives their indices.

        Raises:
            UnreadableVideoError: the clip cannot be read.
        """
        if path not in self._kept:
            with self._readers.reader(path) as reader:
                needed = len(reader) * self._size**2 * 3
                if path not in self._used or needed > self._left:
                    self._used.add(path)
                    return [self._read(reader, index) for index in choose(len(reader))]
                self._left -= needed
                self._kept[path] = np.stack([resize(frame, (self._size, self._size)) for frame in reader])
        frames = self._kept[path]
        return [frames[index] for index in choose(len(frames))]

    def _read(self, reader: FrameReader, index: int) -> np.ndarray:
        return resize(reader.frame(index), (self._size, self._size))


NAMED = 5
"""How many clips an error names."""


class FramePairs(Dataset[Tensor | LiaBenchError]):
    """Pairs of frames of one clip each, and references of the same clip, by position in the run (see EpochPlan).

    Attributes:
        plan: the order of clips or persons, and the length of an epoch.
    """

    def __init__(self, clips: Sequence[Clip], experiment: ExperimentConfiguration) -> None:
        """`clips`: those to train on, at least one.

        Raises:
            InputError: an epoch is shorter than a batch, or the crop is larger than the frames.
        """
        data = experiment.data
        self._units = _units(clips, data.one_clip_per_identity)
        self._data = data
        self._references = experiment.references
        self._seed = experiment.schedule.seed
        self._augment = PairAugmentation(data, experiment.frame_size)
        budget = data.cache_megabytes * 2**20 // max(1, data.workers)
        self._frames = ClipFrames(experiment.frame_size, budget)
        enough = -(-data.batch_size // len(self._units)) if data.fill_batch else 1
        self.plan = EpochPlan(len(self._units), max(data.repeats, enough), data.batch_size, self._seed)

    def __getitem__(self, position: int) -> Tensor | LiaBenchError:
        """Source, driving and reference frames at `position`: uint8 (2 + references, 3, size, size).

        An error that the user can mend is handed back rather than raised: raised in a worker process it would
        reach the user as a traceback.
        """
        place = self.plan.place(position)
        random = generator(self._seed, Stream.SAMPLE, place.epoch, place.number)
        clips = self._units[place.unit]
        clip = clips[random.integers(len(clips))]
        try:
            drawn = self._frames.chosen(clip.path, lambda length: self._choose(clip, length, random))
        except LiaBenchError as error:
            return error
        varied = self._augment(drawn, random)
        return torch.from_numpy(np.ascontiguousarray(varied.transpose(0, 3, 1, 2)))

    def _choose(self, clip: Clip, length: int, random: np.random.Generator) -> tuple[int, ...]:
        source, driving = self._choose_pair(clip, length, random)
        if not self._references:
            return source, driving
        return source, driving, *_others(source, driving, length, self._references, random)

    def _choose_pair(self, clip: Clip, length: int, random: np.random.Generator) -> tuple[int, int]:
        if self._data.pairs == "ordered":
            first, second = sorted(int(index) for index in random.integers(length, size=2))
            return first, second
        if length < 2:
            raise InputError(f"{clip.path}: one frame alone makes no pair: remove it or --set data.pairs=ordered")
        first = int(random.integers(length))
        second = int(random.integers(length - 1))
        return first, second + (second >= first)


def check_lengths(clips: Sequence[Clip]) -> None:
    """Make sure that pairs of two frames can be drawn from every clip, before hours of training meet one that has one.

    Raises:
        InputError: clips of a single frame.
    """
    single = [clip.path for clip in clips if _has_one_frame(clip)]
    if single:
        named = ", ".join(map(str, single[:NAMED])) + (", ..." if len(single) > NAMED else "")
        raise InputError(
            f"{len(single)} of {len(clips)} train clips have one frame alone, which makes no pair: {named}: "
            "remove them or --set data.pairs=ordered"
        )


def _has_one_frame(clip: Clip) -> bool:
    if clip.frames is not None:
        return clip.frames == 1
    try:
        return has_one_frame(clip.path)
    except LiaBenchError:
        # What cannot be read is named when it is drawn, with all that is known of it then.
        return False


def _others(source: int, driving: int, length: int, count: int, random: np.random.Generator) -> list[int]:
    """Indices of `count` frames, all different where the clip is long enough.

    Never the driving frame, which a model could copy, unless the clip has no other; the source again only where
    there is nothing else.
    """
    others = [index for index in range(length) if index not in (source, driving)] or [source]
    return [int(index) for index in random.choice(others, size=count, replace=len(others) < count)]


def _units(clips: Sequence[Clip], one_clip_per_identity: bool) -> list[list[Clip]]:
    """Clips that take turns: each by itself, or all of a person together (FOMM's id sampling)."""
    units: dict[str, list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.name):
        person = clip.person_id or clip.name.split("#")[0]
        units.setdefault(person if one_clip_per_identity else clip.name, []).append(clip)
    return list(units.values())


@dataclass(frozen=True)
class Share:
    """The rows of every batch that process `rank` of `processes` trains on, in `parts` of equal size."""

    batch_size: int
    rank: int = 0
    processes: int = 1
    parts: int = 1

    def __post_init__(self) -> None:
        shares = self.processes * self.parts
        if self.batch_size % shares:
            there_are = f"there are {self.processes}"
            if self.parts > 1:
                there_are += f", each with data.accumulate={self.parts} parts"
            raise InputError(
                f"data.batch_size is {self.batch_size}, over all devices, and {there_are}: "
                f"--set data.batch_size={-(-self.batch_size // shares) * shares}"
            )

    def positions(self, iteration: int) -> list[int]:
        """Positions in the run of this process's rows of an iteration's batch: every so many-th one.

        Rows that LIA's discriminator compares, a quarter of the batch apart, so stay together.
        """
        first = iteration * self.batch_size
        return list(range(first + self.rank, first + self.batch_size, self.processes))


@dataclass(frozen=True)
class _Batches:
    share: Share
    start: int
    stop: int

    def __iter__(self) -> Iterator[list[int]]:
        return map(self.share.positions, range(self.start, self.stop))

    def __len__(self) -> int:
        return self.stop - self.start


def pair_batches(
    pairs: FramePairs, share: Share, *, start: int, stop: int, workers: int, pinned: bool
) -> Iterator[Tensor]:
    """Batches of iterations `start` to `stop`: uint8 (B, 2 + references, 3, size, size).

    They are the same for any number of workers, which start at once, not at the first batch. `pinned` puts batches
    where a GPU can fetch them.

    Raises:
        LiaBenchError: a clip cannot be read, or a worker was killed.
    """
    loader: DataLoader[Tensor | LiaBenchError] = DataLoader(
        pairs,
        batch_sampler=_Batches(share, start, stop),
        num_workers=workers,
        collate_fn=_stacked,
        pin_memory=pinned,
        worker_init_fn=_leave_signals_to_main,
    )
    # A fork copies no threads: a worker that cleared away a video reader which this process has left behind would wait
    # for the reader's threads for ever.
    gc.collect()
    return _checked(iter(loader))


@contextmanager
def lost_workers_named() -> Iterator[None]:
    """Inside, a worker that was killed is a LiaBenchError; torch raises its own error wherever the process just is."""
    try:
        yield
    except RuntimeError as error:
        # torch has no class for it; an error raised inside a worker begins with "Caught".
        if not str(error).startswith("DataLoader worker"):
            raise
        raise LiaBenchError(
            "a process that decodes frames was killed, often for lack of memory: "
            "lower data.cache_megabytes or data.workers, then run the same command again"
        ) from error


def _checked(batches: Iterator[Tensor | LiaBenchError]) -> Iterator[Tensor]:
    while True:
        with lost_workers_named():
            batch = next(batches, None)
        if batch is None:
            return
        if isinstance(batch, LiaBenchError):
            raise batch
        yield batch


def _stacked(samples: Sequence[Tensor | LiaBenchError]) -> Tensor | LiaBenchError:
    tensors = []
    for sample in samples:
        if isinstance(sample, LiaBenchError):
            return sample
        tensors.append(sample)
    return torch.stack(tensors)


def _leave_signals_to_main(worker: int) -> None:
    # Ctrl-C reaches the whole process group, and a handler of the main process is inherited by fork.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_main_says_so, daemon=True).start()


def _end_when_main_says_so() -> None:
    """Leave SIGTERM to the main process where a scheduler sends it to all: batches come until that one has saved."""
    # Who sent a signal is told to those that wait for it alone.
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
