"""Coordinates of pixels and voxels, the language of all keypoint models.

x comes before y and y before z, -1 and 1 are the border cells' centres.
"""

import torch
from torch import Tensor


def coordinate_grid(*size: int, like: Tensor) -> Tensor:
    """(height, width, 2) of x, y for a size (height, width); (depth, height, width, 3) of x, y, z for a volume's.

    x = 2 i / (width - 1) - 1, the others likewise; dtype and device as `like`.

    These are the coordinates of `align_corners=True`; sampling with False reads them as slightly nearer the centre.
    """
    lines = [torch.linspace(-1, 1, count, dtype=like.dtype, device=like.device) for count in size]
    return torch.stack(torch.meshgrid(*lines, indexing="ij")[::-1], dim=-1)
