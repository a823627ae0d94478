"""The time that something takes, without what it waits for."""

import time
from collections.abc import Iterator

import pytest

from lia_bench.core.stopwatch import Stopwatch


def slow(items: int) -> Iterator[int]:
    for item in range(items):
        time.sleep(0.05)
        yield item


def failing() -> Iterator[int]:
    time.sleep(0.02)
    yield 1 // 0


def test_drawing_items_is_not_counted_and_work_on_them_is() -> None:
    watch = Stopwatch()
    with watch.running():
        for _ in watch.without(slow(4)):
            time.sleep(0.01)
    assert 0.04 <= watch.seconds < 0.2


def test_an_error_or_the_end_of_an_iterator_stops_it_like_anything_else() -> None:
    watch = Stopwatch()
    with pytest.raises(StopIteration), watch.running():
        next(iter(()))
    before = watch.seconds
    with pytest.raises(ZeroDivisionError), watch.running():
        next(failing())
    assert watch.seconds >= before + 0.02
