"""Several views of one subject made one, by confidence (SADE section 3.3, equation 6)."""

from torch import Tensor

# A pixel that no view is confident about is the mean of all.
SMALLEST_CONFIDENCE = 1e-6


def normalised(confidence: Tensor) -> Tensor:
    """Shares that sum to 1 over the views, of confidences (B, views, 1, h, w) in [0, 1]."""
    raised = confidence + SMALLEST_CONFIDENCE
    return raised / raised.sum(dim=1, keepdim=True)


def fused(features: Tensor, shares: Tensor) -> Tensor:
    """(B, C, h, w), the mean of features (B, views, C, h, w) weighted by shares (B, views, 1, h, w).

    The source is one of the views: the equation's sum leaves it out, the text and the normalisation have it.
    """
    mean: Tensor = (features * shares.to(features.dtype)).sum(dim=1)
    return mean
