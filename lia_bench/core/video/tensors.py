"""Between frames of a video and images of a model."""

from typing import TYPE_CHECKING

import numpy as np

from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(frame: Frame) -> "Tensor":
    """uint8 (H, W, 3) as float32 (3, H, W) in [0, 1]."""
    # Imported here: reading and cutting footage needs no torch.
    import torch

    return torch.from_numpy(np.array(frame)).permute(2, 0, 1).contiguous().to(torch.float32).div_(255)


def to_frame(image: "Tensor") -> Frame:
    """Float (3, H, W), clamped to [0, 1] and rounded, as uint8 (H, W, 3)."""
    levels = image.detach().float().clamp(0, 1).mul(255).round().to("cpu")
    frame: Frame = levels.permute(1, 2, 0).contiguous().numpy().astype(np.uint8)
    return frame
