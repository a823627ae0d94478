"""Where the parts of a picture come from, each by a motion of its own."""

import torch
from torch import Tensor

from lia_bench.models.blocks.coordinate_grid import coordinate_grid
from lia_bench.models.blocks.matrices import apply


def affine_motions(matrix: Tensor, source: Tensor, driving: Tensor, height: int, width: int) -> Tensor:
    """For each part the source position of each driving pixel z, A (z - p_driving) + p_source (FOMM equation 4).

    Args:
        matrix: A, (B, K, 2, 2).
        source: p_source, (B, K, 2), x, y in [-1, 1]; `driving` likewise.

    Returns:
        (B, K, height, width, 2).
    """
    offset = coordinate_grid(height, width, like=driving) - driving[:, :, None, None]
    return apply(matrix[:, :, None, None], offset) + source[:, :, None, None]


def with_background(motions: Tensor, affine: Tensor | None = None) -> Tensor:
    """Motions (B, K, h, w, 2) of K parts with the background's before them: (B, K + 1, h, w, 2).

    `affine`: [A | b] from driving to source positions, (B, 2, 3) or with a last row (B, 3, 3); None stands still.
    """
    behind = coordinate_grid(*motions.shape[2:4], like=motions).expand_as(motions[:, :1])
    if affine is not None:
        behind = apply(affine[:, None, None, None, :2, :2], behind) + affine[:, None, None, None, :2, 2]
    return torch.cat((behind, motions), dim=1)
