"""How X2Face makes pictures: by sampling others, along grids of offsets."""

import torch
from torch import Tensor

from lia_bench.models.blocks.warping import coordinate_grid, warp

# Added to every confidence, so that no source is lost altogether.
LEAST_CONFIDENCE = 0.1


def sampling_grid(offsets: Tensor) -> Tensor:
    """Positions (B, H, W, 2) in [-2, 2], x before y, 1 at the border pixels' centres: the identity plus tanh(offsets).

    Args:
        offsets: (B, 2, H, W), x before y.
    """
    return torch.tanh(offsets).permute(0, 2, 3, 1) + coordinate_grid(*offsets.shape[2:], like=offsets)


def resample(pictures: Tensor, offsets: Tensor) -> Tensor:
    """(B, C, H, W) sampled along offsets (B, 2, H, W); black where they lead outside."""
    return warp(pictures, sampling_grid(offsets), align_corners=True)


def embed(sources: Tensor, embedding: Tensor) -> Tensor:
    """The embedded face of N sources, their mean weighted pixel by pixel with exp(confidence logit) + 0.1.

    Args:
        sources: (B, N, 3, H, W) in [0, 1].
        embedding: (B, N, 3, H, W), what the embedding network says of each.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    views = resample(sources.flatten(0, 1), embedding[:, :, :2].flatten(0, 1)).view_as(sources)
    weights = embedding[:, :, 2:].exp() + LEAST_CONFIDENCE
    return (weights * views).sum(1) / weights.sum(1)
