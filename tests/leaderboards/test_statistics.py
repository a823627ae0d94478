"""Bootstrap intervals."""

import numpy as np
import pytest

from lia_bench.leaderboards.board.comparison import paired_interval
from lia_bench.leaderboards.results.measurement import bootstrap_interval, weighted_mean


def test_the_interval_is_close_to_that_of_a_normal_mean() -> None:
    values = np.random.default_rng(3).normal(5, 2, 400)
    interval = bootstrap_interval(values.tolist(), [1.0] * 400, seed=0)
    assert interval is not None
    spread = 1.96 * values.std() / np.sqrt(400)
    assert interval == pytest.approx((values.mean() - spread, values.mean() + spread), abs=0.02)


def test_the_seed_decides() -> None:
    values = [1.0, 2.0, 4.0, 8.0]
    assert bootstrap_interval(values, [1.0] * 4, seed=5) == bootstrap_interval(values, [1.0] * 4, seed=5)


def test_one_value_has_no_interval() -> None:
    assert bootstrap_interval([1.0], [1.0], seed=0) is None


def test_a_mean_over_frames_weighs_clips_by_their_frames() -> None:
    values, weights = [1.0, 4.0], [30.0, 10.0]
    assert weighted_mean(values, weights) == pytest.approx(1.75)
    assert bootstrap_interval(values, weights, seed=0) == (1.0, 4.0)


def test_what_is_hard_for_both_models_cancels_out() -> None:
    random = np.random.default_rng(4)
    hardness = random.normal(10, 5, 60)
    first = hardness + random.normal(0.5, 0.2, 60)
    second = hardness + random.normal(0, 0.2, 60)
    weights = [(1.0, 1.0)] * 60
    paired = paired_interval(first.tolist(), second.tolist(), weights, seed=0)
    alone = bootstrap_interval(first.tolist(), [1.0] * 60, seed=0)
    assert paired is not None
    assert alone is not None
    assert paired[0] < 0.5 < paired[1]
    assert paired[1] - paired[0] < (alone[1] - alone[0]) / 10


def test_the_paired_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    """Clips that are hard for both models, of different lengths, with skewed scores as real ones have."""
    random = np.random.default_rng(7)
    experiments, clips, difference = 800, 60, 0.2
    hardness = random.gamma(3, 1, (experiments, clips))
    first = hardness + difference + random.gamma(2, 0.5, (experiments, clips)) - 1
    second = hardness + random.normal(0, 0.3, (experiments, clips))
    frames = random.integers(20, 200, (experiments, clips)).astype(float)
    intervals = [
        paired_interval(mine.tolist(), theirs.tolist(), list(zip(own, own, strict=True)), seed=0)
        for mine, theirs, own in zip(first, second, frames.tolist(), strict=True)
    ]
    held = [interval is not None and interval[0] <= difference <= interval[1] for interval in intervals]
    assert 0.92 < np.mean(held) < 0.97
