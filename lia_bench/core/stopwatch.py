"""The time that something takes, without what it waits for."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


class Stopwatch:
    """Counts while it runs, but not while an iterable that it was told of is at work.

    Attributes:
        seconds: counted so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done in this context."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begun

    def without(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items, to be drawn while it runs: the time that each takes to come is not counted."""
        source = iter(items)
        while True:
            begun = time.perf_counter()
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.seconds -= time.perf_counter() - begun
            yield item
