"""Sampling images and features along a flow."""

import torch.nn.functional as F
from torch import Tensor


def warp(features: Tensor, flow: Tensor, align_corners: bool, padding: str = "zeros") -> Tensor:
    """Bilinear samples of `features` at the positions in `flow`.

    Args:
        features: (B, C, H, W).
        flow: (B, h, w, 2), where in `features` to read, x, y in [-1, 1]; absolute positions, not offsets.
        align_corners: what -1 and 1 are: centres of the border pixels (True) or their outer edges (False).
        padding: "zeros", "border" or "reflection" beyond the edges.

    Returns:
        (B, C, h, w), in the dtype of `features`.
    """
    sampled = F.grid_sample(
        features.float(), flow.float(), mode="bilinear", padding_mode=padding, align_corners=align_corners
    )
    return sampled.to(features.dtype)


def resize_flow(flow: Tensor, height: int, width: int) -> Tensor:
    """(B, h, w, 2) to (B, height, width, 2), bilinear with align_corners False; unchanged where it fits."""
    if flow.shape[1:3] == (height, width):
        return flow
    return resize_map(flow.permute(0, 3, 1, 2), height, width).permute(0, 2, 3, 1)


def resize_map(maps: Tensor, height: int, width: int) -> Tensor:
    """(B, C, h, w) to (B, C, height, width), bilinear with align_corners False; unchanged where it fits."""
    if maps.shape[2:] == (height, width):
        return maps
    return F.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
