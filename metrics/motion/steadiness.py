"""jitter and flicker: how much more than the driver's or the true video's a result trembles from frame to frame."""

from abc import ABC
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.metrics.frame_metric import FrameMetric, OfTrueFrames


class SequenceMetric(FrameMetric, ABC):
    """A mean over the frames that have enough others before them; a clip that is too short has no value.

    `score` is given the frames of a batch behind the last `LOOKS_BACK` ones before it, and scores those of the batch.
    """

    LOOKS_BACK: ClassVar[int]
    _before: tuple[Tensor, Tensor] | None = None

    def update(self, generated: Tensor, reference: Tensor) -> None:
        """Score the next frames."""
        if self._before is not None:
            pairs = zip(self._before, (generated, reference), strict=True)
            generated, reference = (torch.cat([before, new.to(before.dtype)]) for before, new in pairs)
        if len(generated) > self.LOOKS_BACK:
            super().update(generated, reference)
        self._before = generated[-self.LOOKS_BACK :].clone(), reference[-self.LOOKS_BACK :].clone()


class Jitter(SequenceMetric):
    """Mean length of the difference between both sides' second differences of points, in per cent of the face's size.

    Second differences, p[t-1] - 2 p[t] + p[t+1], are what steady motion leaves out. The size of each side's face is the
    root of the area of the upright rectangle around its points in the middle frame, so that faces of other sizes and
    shapes compare. Independent noise of s pixels in both coordinates of a point adds 3.07 s to it.
    """

    LOOKS_BACK = 2

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) of keypoints (B + 2, N, 2); NaN where the three frames of a side show no common point."""
        mine, true = (_second_differences(points.double()) for points in (generated, reference))
        lengths: Tensor = torch.linalg.vector_norm(mine - true, dim=2)
        return 100 * lengths.nanmean(dim=1)


Flow = NDArray[np.float32]
"""(T, H, W, 2) where, in pixels x and y, each pixel of a frame was in the frame before."""


def _true_flow(reference: Tensor) -> tuple[Flow, NDArray[np.float32]]:
    """The flow between frames (B + 1, 3, H, W), and (B, H, W, 3) what it leaves unexplained of their changes."""
    pixels = _pixels(reference)
    flow = _backward_flow(pixels)
    return flow, _unexplained(pixels, flow)


class Flicker(SequenceMetric):
    """Mean over pixels and channels of how much more a result changes along the true video's flow than that itself.

    Each frame is predicted from the one before, moved by the true video's dense flow. What the result's frame differs
    from its prediction counts as far as it exceeds what the true frame differs from its own, which leaves out what
    comes into view and what the flow gets wrong. A colour that swings by +a and -a from frame to frame gives 2 a, a
    constant error nothing. Dense inverse search (Kroeger et al., ECCV 2016), OpenCV's fast preset, on grey frames.
    """

    LOOKS_BACK = 1
    # Of this process: it is a batch of frames that stays, whatever is measured.
    shared = OfTrueFrames(_true_flow)

    def score(self, generated: Tensor, reference: tuple[Flow, NDArray[np.float32]]) -> Tensor:
        """(B,) of images (B + 1, 3, H, W) in [0, 1]; `reference`: as of `_true_flow`."""
        flow, own = reference
        excess = (_unexplained(_pixels(generated), flow) - own).clip(min=0)
        return torch.from_numpy(excess.mean(axis=(1, 2, 3), dtype=np.float64))


def _second_differences(points: Tensor) -> Tensor:
    """(B, N, 2) of points (B + 2, N, 2), as shares of the face's size."""
    middle = points[1:-1]
    found = middle.isfinite()
    highest = middle.masked_fill(~found, -torch.inf).amax(dim=1)
    lowest = middle.masked_fill(~found, torch.inf).amin(dim=1)
    size = (highest - lowest).prod(dim=1).sqrt()
    return (points[:-2] - 2 * middle + points[2:]) / size[:, None, None]


def _pixels(images: Tensor) -> NDArray[np.float32]:
    return images.permute(0, 2, 3, 1).contiguous().cpu().float().numpy()


def _backward_flow(pixels: NDArray[np.float32]) -> Flow:
    import cv2

    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    grey = [cv2.cvtColor((frame * 255).round().astype(np.uint8), cv2.COLOR_RGB2GRAY) for frame in pixels]
    flows = [search.calc(now, before, np.zeros((*now.shape, 2), np.float32)) for before, now in pairwise(grey)]
    return np.stack(flows).astype(np.float32)


def _unexplained(pixels: NDArray[np.float32], flow: Flow) -> NDArray[np.float32]:
    """(B, H, W, 3) what frames (B + 1, H, W, 3) differ from the ones before, moved by the flow."""
    import cv2

    height, width = pixels.shape[1:3]
    across, down = (grid.astype(np.float32) for grid in np.meshgrid(np.arange(width), np.arange(height)))
    moved = [
        cv2.remap(before, across + own[..., 0], down + own[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for before, own in zip(pixels, flow, strict=False)
    ]
    unexplained: NDArray[np.float32] = np.abs(pixels[1:] - np.stack(moved))
    return unexplained
