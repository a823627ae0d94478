"""The Frechet distance, against golden numbers and closed forms."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lia_bench.metrics.frechet_metric import frechet_distance
from tests.conftest import golden
from tests.deterministic import generator

CASES = golden("metrics")["frechet"]["cases"]
IDENTITY = np.eye(3)
ZERO = np.zeros(3)

Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def moments(name: str, n: int, d: int, shift: float = 0.0, scale: float = 1.0) -> Moments:
    values = generator(name, 21)
    mixing = values.standard_normal((d, d)) / np.sqrt(d)
    features = values.standard_normal((n, d)) @ mixing * scale + shift
    return features.mean(axis=0), np.cov(features, rowvar=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_golden_numbers(case: dict[str, Any]) -> None:
    distance = frechet_distance(*moments(**case["first"]), *moments(**case["second"]))
    assert distance == pytest.approx(case["eigenvalue_form"], rel=1e-8, abs=1e-9)
    # The package's matrix root is good to about 1e-7 where the covariances are singular.
    assert distance == pytest.approx(case["pytorch_fid"], rel=1e-7, abs=1e-9)


def test_diagonal_covariances_have_a_closed_form() -> None:
    distance = frechet_distance(np.array([1.0, 2.0]), np.diag([4.0, 9.0]), np.array([3.0, 1.0]), np.diag([1.0, 25.0]))
    assert distance == pytest.approx(2**2 + 1**2 + (2 - 1) ** 2 + (3 - 5) ** 2)


def test_covariances_that_share_no_direction_keep_both_traces() -> None:
    assert frechet_distance(ZERO, np.diag([2.0, 0, 0]), ZERO, np.diag([0, 0, 5.0])) == pytest.approx(7)


def test_the_order_of_the_two_does_not_matter() -> None:
    first, second = moments("order.a", 50, 8), moments("order.b", 50, 8, shift=0.5)
    assert frechet_distance(*first, *second) == pytest.approx(frechet_distance(*second, *first))


def test_a_number_that_is_none_gives_no_number() -> None:
    assert np.isnan(frechet_distance(np.array([0, np.nan, 0]), IDENTITY, ZERO, IDENTITY))
    assert np.isnan(frechet_distance(ZERO, IDENTITY, ZERO, np.diag([np.inf, 1, 1])))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="means"):
        frechet_distance(ZERO, IDENTITY, np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="covariances"):
        frechet_distance(ZERO, IDENTITY, ZERO, np.eye(2))
