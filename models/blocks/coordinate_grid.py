"""Coordinates of pixels, the language of all keypoint models: x before y, -1 and 1 at the border pixels' centres."""

import torch
from torch import Tensor


def coordinate_grid(height: int, width: int, like: Tensor) -> Tensor:
    """(height, width, 2) of x, y: x = 2 i / (width - 1) - 1, y likewise; dtype and device as `like`.

    These are the coordinates of `align_corners=True`; sampling with False reads them as slightly nearer the centre.
    """
    x = torch.linspace(-1, 1, width, dtype=like.dtype, device=like.device)
    y = torch.linspace(-1, 1, height, dtype=like.dtype, device=like.device)
    return torch.stack((x.expand(height, width), y[:, None].expand(height, width)), dim=-1)
