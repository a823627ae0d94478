"""How sure a mean over clips is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000

Values = NDArray[np.float64]


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Sum of weighted values over the sum of weights."""
    return float(np.dot(values, weights) / np.sum(weights))


def bootstrap_interval(values: Sequence[float], weights: Sequence[float], seed: int) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the weighted mean (Efron, 1979), drawing clips with replacement.

    A mean over the frames of all clips has each clip's frames for its weight. None with fewer than two values, where
    nothing can be said.
    """
    if len(values) < 2:
        return None
    sums = np.multiply(values, weights)
    low, high = np.percentile(_resampled(sums, np.asarray(weights), seed), (2.5, 97.5))
    return float(low), float(high)


def paired_interval(
    first: Sequence[float], second: Sequence[float], weights: Sequence[tuple[float, float]], seed: int
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the difference of two weighted means over the same clips, first minus second.

    Both means are taken over the same drawn clips, so that what makes a clip hard for both cancels out.
    """
    if len(first) < 2:
        return None
    mine, theirs = np.asarray(weights, dtype=np.float64).T
    differences = _resampled(np.multiply(first, mine), mine, seed) - _resampled(
        np.multiply(second, theirs), theirs, seed
    )
    low, high = np.percentile(differences, (2.5, 97.5))
    return float(low), float(high)


def _resampled(sums: Values, weights: Values, seed: int) -> Values:
    """(RESAMPLES,) means over drawn clips; the same draws for the same seed and number of clips."""
    random = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        drawn = random.integers(len(sums), size=len(sums))
        means[number] = sums[drawn].sum() / weights[drawn].sum()
    return means
