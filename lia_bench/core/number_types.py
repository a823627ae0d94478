"""Types of the options that are numbers: each has a smallest and a largest value, so that none can hang a command."""

import math
from typing import Any

import click

LARGEST_SEED = 2**32 - 1
LARGEST_COUNT = 10**9
"""Of frames, clips and the like: more are none that anyone has."""
LARGEST_BATCH = 65536
LARGEST_SIDE = 16384
"""Of clips in pixels; no encoder takes more."""
LARGEST_RATE = 1000
"""Frames a second."""
LARGEST_POOL = 4096
"""Of workers, devices and machines."""


def count(smallest: int = 1, largest: int = LARGEST_COUNT) -> click.IntRange:
    """How many of something."""
    return click.IntRange(smallest, largest)


SEED = count(0, LARGEST_SEED)
BATCH_SIZE = count(1, LARGEST_BATCH)
POOL = count(1, LARGEST_POOL)


class Real(click.FloatRange):
    """A number with a point, which neither "nan" nor "inf" is."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """The number within its range."""
        number: float = super().convert(value, parameter, context)
        # No comparison with "nan" is true, so that it lies in every range.
        if not math.isfinite(number):
            self.fail(f"{value} is no number that can be counted with.", parameter, context)
        return number


RATE = Real(0, LARGEST_RATE, min_open=True)
