"""Coordinates of pixels and voxels, the language of all keypoint models, and sampling along a flow.

x comes before y and y before z, -1 and 1 are the border cells' centres.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


def coordinate_grid(*size: int, like: Tensor) -> Tensor:
    """(height, width, 2) of x, y for a size (height, width); (depth, height, width, 3) of x, y, z for a volume's.

    x = 2 i / (width - 1) - 1, the others likewise; dtype and device as `like`.

    These are the coordinates of `align_corners=True`; sampling with False reads them as slightly nearer the centre.
    """
    lines = [torch.linspace(-1, 1, count, dtype=like.dtype, device=like.device) for count in size]
    return torch.stack(torch.meshgrid(*lines, indexing="ij")[::-1], dim=-1)


Resizing = Literal["bilinear", "nearest"]


def warp(features: Tensor, flow: Tensor, align_corners: bool, padding: str = "zeros") -> Tensor:
    """Bilinear samples of `features` at the positions in `flow`.

    Args:
        features: (B, C, H, W), or a volume (B, C, D, H, W).
        flow: (B, h, w, 2), where in `features` to read, x, y in [-1, 1]; absolute positions, not offsets. For a
            volume (B, d, h, w, 3), x, y, z.
        align_corners: what -1 and 1 are: centres of the border pixels (True) or their outer edges (False).
        padding: "zeros", "border" or "reflection" beyond the edges.

    Returns:
        (B, C, h, w) or (B, C, d, h, w), in the dtype of `features`.
    """
    sampled = F.grid_sample(
        features.float(), flow.float(), mode="bilinear", padding_mode=padding, align_corners=align_corners
    )
    return sampled.to(features.dtype)


def warp_by_each(features: Tensor, flows: Tensor, align_corners: bool) -> Tensor:
    """Features (B, C, H, W) or (B, C, D, H, W) warped by each of N flows (B, N, *size, axes): (B, N, C, *size)."""
    batch, count, *size, _ = flows.shape
    # All in one sampling, stacked along the first axis, so that the features are not copied for each.
    warped = warp(features, flows.flatten(1, 2), align_corners)
    return warped.reshape(batch, -1, count, *size).transpose(1, 2)


def resize_flow(
    flow: Tensor, height: int, width: int, mode: Resizing = "bilinear", align_corners: bool = False
) -> Tensor:
    """(B, h, w, 2) to (B, height, width, 2), as `resize_map`."""
    if flow.shape[1:3] == (height, width):
        return flow
    return resize_map(flow.permute(0, 3, 1, 2), height, width, mode, align_corners).permute(0, 2, 3, 1)


def resize_map(
    maps: Tensor, height: int, width: int, mode: Resizing = "bilinear", align_corners: bool = False
) -> Tensor:
    """(B, C, h, w) to (B, C, height, width), bilinear with `align_corners`, or nearest; unchanged where it fits."""
    if maps.shape[2:] == (height, width):
        return maps
    if mode == "nearest":
        return F.interpolate(maps, size=(height, width))
    return F.interpolate(maps, size=(height, width), mode="bilinear", align_corners=align_corners)
