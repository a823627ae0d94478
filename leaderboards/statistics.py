"""How sure a mean over clips is."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000


def bootstrap_interval(values: Sequence[float], seed: int) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the mean (Efron, 1979), drawing clips with replacement.

    None with fewer than two values, where nothing can be said.
    """
    if len(values) < 2:
        return None
    sample = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(seed)
    means = np.array([sample[random.integers(len(sample), size=len(sample))].mean() for _ in range(RESAMPLES)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
