"""The data set of frame pairs and references: what is drawn depends on the seed and the position alone."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.models.training.augmentation import PairAugmentation
from lia_bench.models.training.clip_frames import ClipFrames
from lia_bench.models.training.configuration import ExperimentConfiguration
from lia_bench.models.training.epoch_plan import EpochPlan
from lia_bench.models.training.random_streams import Stream, generator


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
        self.plan = EpochPlan(len(self._units), data.repeats, data.batch_size, self._seed)

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
