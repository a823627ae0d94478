"""The pose that a driving video and a source have in common."""

import numpy as np
import pytest

from lia_bench.metrics.best_start import best_match, pose_distance

SQUARE = np.array([(0, 0), (2, 0), (2, 2), (0, 2)], dtype=np.float32)


def test_place_and_size_do_not_count() -> None:
    assert pose_distance(SQUARE, 37 * SQUARE + (500, -20)) == pytest.approx(0, abs=1e-9)


def test_the_distance_of_two_shapes_by_hand() -> None:
    # Both have unit area and their mean in the origin: corners (+-1/2, +-1/2) and (+-1, +-1/4).
    oblong = SQUARE * (2, 0.5)
    assert pose_distance(SQUARE, oblong) == pytest.approx(0.5**2 + 0.25**2)


def test_points_that_are_not_seen_in_both_are_left_out() -> None:
    more = np.vstack([SQUARE, [(9, 9)]])
    hidden = np.vstack([SQUARE, [(np.nan, np.nan)]])
    assert pose_distance(more, hidden) == pytest.approx(0, abs=1e-9)


def test_the_nearest_pose_is_taken_and_frames_without_one_are_not() -> None:
    turned = SQUARE @ np.array([(0.8, 0.6), (-0.6, 0.8)])
    nothing = np.full_like(SQUARE, np.nan)
    line = np.array([(0, 0), (1, 0), (2, 0), (3, 0)], dtype=np.float32)
    assert best_match(SQUARE, [nothing, line, turned, 3 * SQUARE, SQUARE]) == 3
    assert best_match(SQUARE, [nothing, line]) is None
