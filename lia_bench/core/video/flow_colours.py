"""Flows as pictures in colours."""

from typing import TYPE_CHECKING

import numpy as np

from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from torch import Tensor


def flow_picture(flow: "Tensor", longest: float) -> Frame:
    """A flow (2, H, W) of x to the right and y downwards as uint8 (H, W, 3), in the colours of Baker et al. (2011).

    White is no motion, the hue is the direction, and the colour is full at the length `longest` and beyond, so that
    pictures of one `longest` compare. Offsets that are no numbers are white.
    """
    import torch
    from torchvision.utils import flow_to_image

    known = flow.detach().float().cpu().nan_to_num(0, 0, 0)
    lengths = known.norm(dim=0, keepdim=True)
    bounded = known * (longest / lengths.clamp_min(longest))
    # The library scales by the longest offset that it is given: one more column has it.
    scale = torch.zeros(2, flow.shape[1], 1)
    scale[0] = longest
    image = flow_to_image(torch.cat([bounded, scale], dim=2))[:, :, :-1]
    picture: Frame = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    return picture
