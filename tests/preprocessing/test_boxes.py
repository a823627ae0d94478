"""Box arithmetic against the numbers of the published code."""

import pytest

from lia_bench.preprocessing.boxes import Box, contains, increase, increase_to_square, join, overlap
from tests.conftest import golden

GOLDEN = golden("preprocess")


def test_increases() -> None:
    for case in GOLDEN["boxes"]:
        box = Box(*case["bbox"])
        assert list(increase(box, case["increase"])) == case["increased"]
        assert list(increase_to_square(box, case["increase"])) == case["aspect_preserved"]


def test_pairs() -> None:
    for case in GOLDEN["pairs"]:
        first, second = Box(*case["a"]), Box(*case["b"])
        assert overlap(first, second) == pytest.approx(case["iou"], abs=1e-12)
        assert list(join(first, second)) == case["join"]
        assert contains(first, second) == case["a_contains_b"]


def test_a_box_without_width_has_no_square() -> None:
    with pytest.raises(ZeroDivisionError):
        increase_to_square(Box(5, 5, 5, 9), 0.1)
