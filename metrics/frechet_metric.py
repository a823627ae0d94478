"""The Frechet distance between two sets of features, from running sums."""

import torch
from torch import Tensor
from torchmetrics import Metric

from lia_bench.metrics.frechet import frechet_distance


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
