"""How sure a mean over clips is."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000

FEW_CLIPS = 20
"""With fewer, simulated 95 % intervals hold the truth in less than 90 % of cases."""

Values = NDArray[np.float64]


def few_clips(clips: int) -> str:
    """What to say of intervals from fewer than FEW_CLIPS clips."""
    return f"{clips} clips are few: intervals from so few are too narrow, so take what they show as a hint"


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Sum of weighted values over the sum of weights."""
    return float(np.dot(values, weights) / np.sum(weights))


def bootstrap_interval(values: Sequence[float], weights: Sequence[float], seed: int) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the weighted mean (Efron, 1979), drawing clips with replacement.

    A mean over the frames of all clips has each clip's frames for its weight. None with fewer than two values, where
    nothing can be said.

    >>> bootstrap_interval([1.0, 1.0, 1.0], weights=[10, 20, 30], seed=0)
    (1.0, 1.0)
    >>> low, high = bootstrap_interval([0.0, 1.0] * 50, weights=[1] * 100, seed=0)
    >>> 0.35 < low < 0.45 and 0.55 < high < 0.65
    True
    """
    if len(values) < 2:
        return None
    low, high = np.percentile(_resampled(values, weights, seed), (2.5, 97.5))
    return float(low), float(high)


def paired_interval(
    first: Sequence[float], second: Sequence[float], weights: Sequence[tuple[float, float]], seed: int
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the difference of two weighted means over the same clips, first minus second.

    Both means are taken over the same drawn clips, so that what makes a clip hard for both cancels out.
    """
    if len(first) < 2:
        return None
    mine, theirs = zip(*weights, strict=True)
    low, high = np.percentile(_resampled(first, mine, seed) - _resampled(second, theirs, seed), (2.5, 97.5))
    return float(low), float(high)


@lru_cache(maxsize=2)
def drawn_clips(clips: int, seed: int) -> Values:
    """(RESAMPLES, clips) how often each clip is in each resample, every row `clips` draws with replacement.

    The same draws for the same seed and number of clips, whatever is averaged over them.
    """
    # The array is kept for the next metric, model or pair of models over the same clips.
    random = np.random.default_rng(seed)
    counts = np.stack(
        [np.bincount(random.integers(clips, size=clips), minlength=clips).astype(np.float64) for _ in range(RESAMPLES)]
    )
    counts.setflags(write=False)
    return counts


def _resampled(values: Sequence[float], weights: Sequence[float], seed: int) -> Values:
    """(RESAMPLES,) weighted means over drawn clips."""
    counts = drawn_clips(len(values), seed)
    means: Values = (counts @ np.multiply(values, weights)) / (counts @ np.asarray(weights, dtype=np.float64))
    return means
