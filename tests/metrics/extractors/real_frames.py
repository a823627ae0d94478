"""Frames of real clips, and the same frames moved, for extractors whose real weights are at hand."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from lia_bench.core.video import open_indexed


def real_frames(real_data: Path, video: str, numbers: range) -> Tensor:
    """Frames of real_data/`video`, uint8 RGB (B, 3, H, W)."""
    with open_indexed(real_data / video) as reader:
        frames = [torch.from_numpy(reader.frame(number).copy()) for number in numbers]
    return torch.stack(frames).permute(0, 3, 1, 2)


def moved(frames: Tensor, right: int, down: int) -> Tensor:
    """The frames moved by whole pixels, their edges drawn out over what that leaves empty."""
    height, width = frames.shape[2:]
    return pad(frames.float(), (right, 0, down, 0), mode="replicate")[:, :, :height, :width].to(torch.uint8)
