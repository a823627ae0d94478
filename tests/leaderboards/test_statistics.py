"""Bootstrap intervals."""

import numpy as np
import pytest

from lia_bench.leaderboards.statistics import bootstrap_interval


def test_the_interval_is_close_to_that_of_a_normal_mean() -> None:
    values = np.random.default_rng(3).normal(5, 2, 400)
    interval = bootstrap_interval(values.tolist(), seed=0)
    assert interval is not None
    spread = 1.96 * values.std() / np.sqrt(400)
    assert interval == pytest.approx((values.mean() - spread, values.mean() + spread), abs=0.02)


def test_the_seed_decides() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)


def test_one_value_has_no_interval() -> None:
    assert bootstrap_interval([1.0], seed=0) is None
