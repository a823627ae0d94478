"""The time that something takes, without what it waits for."""

from collections.abc import Iterator

import pytest

from lia_bench.leaderboards.evaluation import streams
from lia_bench.leaderboards.evaluation.streams import Stopwatch


class Clock:
    """A clock that goes on only where a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def drawn_slowly(self, items: int) -> Iterator[int]:
        for item in range(items):
            self.now += 5
            yield item

    def failing(self) -> Iterator[int]:
        self.now += 2
        yield 1 // 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streams, "time", clock)
    return clock


def test_drawing_items_is_not_counted_and_work_on_them_is(clock: Clock) -> None:
    watch = Stopwatch()
    with watch.running():
        for _ in watch.without(clock.drawn_slowly(4)):
            clock.now += 1
    assert watch.seconds == 4


def test_an_error_or_the_end_of_an_iterator_stops_it_like_anything_else(clock: Clock) -> None:
    watch = Stopwatch()
    with pytest.raises(StopIteration), watch.running():
        next(iter(()))
    assert watch.seconds == 0
    with pytest.raises(ZeroDivisionError), watch.running():
        next(clock.failing())
    assert watch.seconds == 2
