"""From the motions of single parts to one dense flow and an occlusion map (FOMM section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import convolve_together
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.warping import warp_by_each


class DenseMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        masks: (B, parts, h, w), shares of the parts' motions, sum 1.
        occlusion: (B, 1, h, w) in [0, 1]; 0 is hidden in the source.
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


class MotionBlending(nn.Module):
    """Weighs part motions by how well the source, warped by each alone, explains the picture."""

    def __init__(self, parts: int, expansion: int, cap: int, blocks: int, align_corners: bool) -> None:
        """`parts`: number of motions, the background's among them; images have 3 channels."""
        super().__init__()
        self.align_corners = align_corners
        self.hourglass = Hourglass(parts * 4, expansion, cap, blocks)
        self.masks = nn.Conv2d(self.hourglass.outputs, parts, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.outputs, 1, 7, padding=3)

    def forward(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> DenseMotion:
        """Blend the part motions.

        Args:
            source: (B, 3, h, w).
            heatmaps: (B, parts, h, w), where each part is in the driving frame less where it was in the source.
            motions: (B, parts, h, w, 2), for each part the position in the source of each pixel.
        """
        features = self.hourglass(self.evidence(source, heatmaps, motions))
        mask_logits, occlusion_logits = convolve_together(features, (self.masks, self.occlusion))
        masks = mask_logits.float().softmax(dim=1)
        flow = (masks[..., None] * motions).sum(dim=1)
        return DenseMotion(flow, masks, torch.sigmoid(occlusion_logits.float()))

    def evidence(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> Tensor:
        """Input of the hourglass, (B, parts * 4, h, w): of each part its heatmap, then the source warped by it."""
        batch, parts, height, width = heatmaps.shape
        warped = warp_by_each(source, motions, self.align_corners)
        return torch.cat((heatmaps[:, :, None], warped), dim=2).reshape(batch, parts * 4, height, width)
