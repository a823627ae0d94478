"""Random numbers that depend on a seed and a place alone, never on what was drawn before."""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What numbers are drawn for; streams of one seed are independent of each other."""

    ORDER = 0
    SAMPLE = 1
    PROCESS = 2


def generator(seed: int, stream: Stream, outer: int = 0, inner: int = 0) -> np.random.Generator:
    """The generator of one place, such as (epoch, sample): Philox, keyed by seed and stream.

    `seed`, `outer` and `inner` are at least 0; each place has 2**64 blocks of numbers for itself.
    """
    key = np.array([seed, stream], dtype=np.uint64)
    counter = np.array([0, inner, outer, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
