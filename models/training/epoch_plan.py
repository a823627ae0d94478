"""Which clip stands at which place of which epoch, and how iterations and epochs relate."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lia_bench.core.errors import InputError
from lia_bench.models.training.configuration import ScheduleConfiguration
from lia_bench.models.training.random_streams import Stream, generator


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
