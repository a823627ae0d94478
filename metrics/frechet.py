"""Frechet distance between two normal distributions (Dowson and Landau, 1982; Heusel et al., 2017, for FID)."""

import numpy as np
from numpy.typing import NDArray


def frechet_distance(
    mean_a: NDArray[np.float64],
    covariance_a: NDArray[np.float64],
    mean_b: NDArray[np.float64],
    covariance_b: NDArray[np.float64],
) -> float:
    """`|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2))`: the squared distance that FID, video FID and FVD report.

    Args:
        mean_a: (D,) of the first features.
        covariance_a: (D, D), symmetric and positive up to rounding; may be singular.
        mean_b: (D,) of the second features.
        covariance_b: (D, D), as `covariance_a`.

    Returns:
        The distance in squared units of the features, 0 or more up to rounding; NaN where an argument has NaN.

    Raises:
        ValueError: the shapes do not fit together.

    >>> frechet_distance(np.zeros(2), np.eye(2), np.array([3.0, 4.0]), 4 * np.eye(2))
    27.0
    """
    mean_a, mean_b, covariance_a, covariance_b = (
        np.asarray(moment, dtype=np.float64) for moment in (mean_a, mean_b, covariance_a, covariance_b)
    )
    dimensions = mean_a.size
    if mean_a.shape != (dimensions,) or mean_b.shape != mean_a.shape:
        raise ValueError(f"means of shapes {mean_a.shape} and {mean_b.shape}, where (D,) and (D,) are needed")
    if covariance_a.shape != (dimensions, dimensions) or covariance_b.shape != covariance_a.shape:
        raise ValueError(
            f"covariances of shapes {covariance_a.shape} and {covariance_b.shape} for means of {dimensions} numbers"
        )
    if not all(np.isfinite(moment).all() for moment in (mean_a, mean_b, covariance_a, covariance_b)):
        return float("nan")
    shift = mean_a - mean_b
    traces = np.trace(covariance_a) + np.trace(covariance_b)
    return float(shift @ shift + traces - 2 * _trace_of_root(covariance_a, covariance_b))


def _trace_of_root(covariance_a: NDArray[np.float64], covariance_b: NDArray[np.float64]) -> float:
    """Trace of the root of the product.

    The product itself is not symmetric, and its matrix root is inaccurate or not even real where covariances are
    singular. `S_a^(1/2) S_b S_a^(1/2)` has the same eigenvalues and is symmetric.
    """
    root_a = _root(covariance_a)
    product = root_a @ covariance_b @ root_a
    eigenvalues = np.linalg.eigvalsh((product + product.T) / 2)
    # Below zero is rounding alone: the product of positive matrices is positive.
    return float(np.sqrt(np.clip(eigenvalues, 0, None)).sum())


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.clip(eigenvalues, 0, None))) @ vectors.T
    return root
