"""Thin-plate splines through groups of keypoints (TPSMM section 3.1)."""

import torch
from torch import Tensor

from lia_bench.models.blocks.equivariance import EuclideanKernel
from lia_bench.models.blocks.matrices import apply
from lia_bench.models.blocks.warping import coordinate_grid

# Added along the whole diagonal, the affine part's zeros too: any keypoints then span a spline, nearly through them.
RIDGE = 0.01
KERNEL = EuclideanKernel()


def spline_motions(source: Tensor, driving: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of the driving frame comes from, by each spline alone: (B, S, height, width, 2).

    The spline through N driving keypoints p with targets q, the source's, is
    T(z) = A z + t + sum_i w_i U(z - p_i), with (w, A, t) from L (w, A, t) = (q, 0) (TPSMM equations 2 and 3).

    Args:
        source: (B, S, N, 2), x, y in [-1, 1], for each of S splines.
        driving: of that shape; these are the control points.
    """
    bends, affine = spline_parameters(source.float(), driving.float())
    grid = coordinate_grid(height, width, like=bends)
    offsets = grid - driving.float()[:, :, :, None, None]
    weights = KERNEL.value(offsets[..., 0], offsets[..., 1])
    bent = (weights[..., None] * bends[:, :, :, None, None]).sum(dim=2)
    return apply(affine[:, :, None, None, :2].mT, grid) + affine[:, :, None, None, 2] + bent


def spline_parameters(source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
    """The bends w (B, S, N, 2) and the rows of A^T and t, (B, S, 3, 2), for keypoints (B, S, N, 2) each."""
    between = driving[..., :, None, :] - driving[..., None, :, :]
    bending = KERNEL.value(between[..., 0], between[..., 1])
    count = driving.shape[-2]
    plane = torch.cat((driving, torch.ones_like(driving[..., :1])), dim=-1)
    upper = torch.cat((bending, plane), dim=-1)
    lower = torch.cat((plane.mT, plane.new_zeros(*plane.shape[:-2], 3, 3)), dim=-1)
    system = torch.cat((upper, lower), dim=-2)
    system = system + RIDGE * torch.eye(count + 3, dtype=system.dtype, device=system.device)
    targets = torch.cat((source, source.new_zeros(*source.shape[:-2], 3, 2)), dim=-2)
    # Unlike `solve` this asks for no answer from a GPU; the system is regular.
    solved, _ = torch.linalg.solve_ex(system, targets)
    return solved[..., :count, :], solved[..., count:, :]
