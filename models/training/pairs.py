"""Frame pairs and references, in the order of a run: what is drawn depends on the seed and the position alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.video import FrameReader, resize
from lia_bench.core.video.files import has_one_frame
from lia_bench.core.video.reader import Frame
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

    def __init__(self, clips: Sequence[Clip], experiment: ExperimentConfiguration, workers: int = 1) -> None:
        """
        Args:
            clips: those to train on, at least one.
            workers: processes that read, among which the memory for decoded clips is shared out.

        Raises:
            InputError: an epoch is shorter than a batch, or the crop is larger than the frames.
        """
        data = experiment.data
        self._units = _units(clips, data.one_clip_per_identity)
        self._data = data
        self._references = experiment.references
        self._seed = experiment.schedule.seed
        self._size = experiment.frame_size
        self._augment = PairAugmentation(data, experiment.frame_size)
        self._frames = ClipFrames(experiment.frame_size, data.cache_megabytes * 2**20 // max(1, workers))
        enough = -(-data.batch_size // len(self._units)) if data.fill_batch else 1
        self.plan = EpochPlan(len(self._units), max(data.repeats, enough), data.batch_size, self._seed)

    def __getitem__(self, position: int) -> Tensor | LiaBenchError:
        """Source, driving and reference frames at `position`: uint8 (2 + references, 3, size, size).

        Pixels keep the order that decoders give them in, with their colours side by side. An error that the user can
        mend is handed back rather than raised: raised in a worker process it would reach the user as a traceback.
        """
        drawn = self.__getitems__([position])
        return drawn if isinstance(drawn, LiaBenchError) else drawn[0]

    def __getitems__(self, positions: Sequence[int]) -> Tensor | LiaBenchError:
        """A batch, uint8 (B, 2 + references, 3, size, size), as of `__getitem__`; torch's loaders ask for it."""
        shape = (len(positions), 2 + self._references, self._size, self._size, 3)
        batch = torch.empty(shape, dtype=torch.uint8)
        rows = batch.numpy()
        for row, position in zip(rows, positions, strict=True):
            try:
                for place, frame in zip(row, self._frames_at(position), strict=True):
                    place[:] = frame
            except LiaBenchError as error:
                return error
        return batch.permute(0, 1, 4, 2, 3)

    def _frames_at(self, position: int) -> list[Frame]:
        place = self.plan.place(position)
        random = generator(self._seed, Stream.SAMPLE, place.epoch, place.number)
        clips = self._units[place.unit]
        clip = clips[random.integers(len(clips))]
        drawn = self._frames.chosen(clip.path, lambda length: self._choose(clip, length, random))
        return self._augment(drawn, random)

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
