"""FID, video FID and FVD: the Frechet distance between two sets of features, from running sums.

Source: Dowson and Landau, 1982, for normal distributions; Heusel et al., 2017, for FID.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from lia_bench.metrics.specification import ScoringSetting


class FrechetMetric(Metric):
    """Frechet distance of features (B, D): of frames for FID, of windows of frames for video FID and FVD.

    A torchmetrics metric whose states are sums in 64 bits, so that its size does not grow with what it has seen; they
    add up over processes. NaN with fewer than two features on a side.
    """

    full_state_update = False
    generated_count: Tensor
    generated_sum: Tensor
    generated_products: Tensor
    reference_count: Tensor
    reference_sum: Tensor
    reference_products: Tensor

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        for side in ("generated", "reference"):
            zeros = torch.zeros(dimensions, dtype=torch.float64)
            self.add_state(f"{side}_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
            self.add_state(f"{side}_sum", zeros, dist_reduce_fx="sum")
            self.add_state(f"{side}_products", torch.outer(zeros, zeros), dist_reduce_fx="sum")

    def update(self, generated: Tensor, reference: Tensor) -> None:
        """Take features (B, D) of generated and (B', D) of true frames; either may be empty."""
        generated, reference = generated.double(), reference.double()
        self.generated_count += len(generated)
        self.generated_sum += generated.sum(dim=0)
        self.generated_products += generated.T @ generated
        self.reference_count += len(reference)
        self.reference_sum += reference.sum(dim=0)
        self.reference_products += reference.T @ reference

    def compute(self) -> Tensor:
        """The distance; a 0-dimensional float64."""
        if min(self.generated_count, self.reference_count) < 2:
            return torch.tensor(torch.nan, dtype=torch.float64)
        mine = _moments(self.generated_count, self.generated_sum, self.generated_products)
        theirs = _moments(self.reference_count, self.reference_sum, self.reference_products)
        distance = frechet_distance(*(moment.cpu().numpy() for moment in (*mine, *theirs)))
        return torch.tensor(distance, dtype=torch.float64)


def _moments(count: Tensor, total: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance, the latter divided by n - 1 as numpy's."""
    mean = total / count
    return mean, (products - count * torch.outer(mean, mean)) / (count - 1)


def open_frechet(dimensions: int, setting: ScoringSetting) -> Callable[[], FrechetMetric]:
    """The distance of features of so many numbers, the same in every setting."""
    return partial(FrechetMetric, dimensions)


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
