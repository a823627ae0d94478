"""The order of an epoch, and the place of a sample in the run."""

import numpy as np
import pytest

from lia_bench.core.errors import InputError
from lia_bench.models.training.configuration import ScheduleConfiguration
from lia_bench.models.training.pairs import EpochPlan


def units(plan: EpochPlan, epoch: int) -> list[int]:
    length = plan.iterations_per_epoch * plan.batch_size
    return [plan.place(epoch * length + number).unit for number in range(length)]


def test_every_epoch_goes_through_all_clips_in_an_order_of_its_own() -> None:
    plan = EpochPlan(units=12, repeats=2, batch_size=4, seed=0)
    first, second = units(plan, 0), units(plan, 1)
    assert sorted(first) == sorted(second) == sorted([*range(12), *range(12)])
    assert first != second
    assert first == units(EpochPlan(units=12, repeats=2, batch_size=4, seed=0), 0)
    assert first != units(EpochPlan(units=12, repeats=2, batch_size=4, seed=1), 0)


def test_the_incomplete_last_batch_is_dropped_and_falls_on_other_clips_each_time() -> None:
    plan = EpochPlan(units=10, repeats=1, batch_size=4, seed=0)
    assert plan.iterations_per_epoch == 2
    assert plan.place(8).epoch == 1
    dropped = {tuple(set(range(10)) - set(units(plan, epoch))) for epoch in range(10)}
    assert len(dropped) > 1
    seen = np.bincount([unit for epoch in range(200) for unit in units(plan, epoch)])
    assert seen.min() > 130


def test_epochs_and_iterations() -> None:
    plan = EpochPlan(units=10, repeats=3, batch_size=4, seed=0)
    assert plan.iterations_per_epoch == 7
    assert plan.iterations(ScheduleConfiguration(epochs=3)) == 21
    assert plan.iterations(ScheduleConfiguration(iterations=5)) == 5
    assert [plan.epoch(iteration) for iteration in (0, 6, 7, 13, 14)] == [0, 0, 1, 1, 2]


def test_fewer_clips_than_a_batch_is_an_error_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"3 samples.*batch of 8.*data\.repeats=3 or --set data\.batch_size=3"):
        EpochPlan(units=3, repeats=1, batch_size=8, seed=0)
