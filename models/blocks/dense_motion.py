"""From the motions of single parts to one dense flow and an occlusion map (FOMM section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import convolve_together
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.matrices import apply
from lia_bench.models.blocks.warping import coordinate_grid, warp_by_each

# Of the Gaussians that FOMM and its descendants draw keypoints as.
KEYPOINT_VARIANCE = 0.01


def affine_motions(matrix: Tensor, source: Tensor, driving: Tensor, height: int, width: int) -> Tensor:
    """For each part the source position of each driving pixel z, A (z - p_driving) + p_source (FOMM equation 4).

    Args:
        matrix: A, (B, K, 2, 2).
        source: p_source, (B, K, 2), x, y in [-1, 1]; `driving` likewise.

    Returns:
        (B, K, height, width, 2).
    """
    offset = coordinate_grid(height, width, like=driving) - driving[:, :, None, None]
    return apply(matrix[:, :, None, None], offset) + source[:, :, None, None]


def with_background(motions: Tensor, affine: Tensor | None = None) -> Tensor:
    """Motions (B, K, h, w, 2) of K parts with the background's before them: (B, K + 1, h, w, 2).

    `affine`: [A | b] from driving to source positions, (B, 2, 3) or with a last row (B, 3, 3); None stands still.
    """
    behind = coordinate_grid(*motions.shape[2:4], like=motions).expand_as(motions[:, :1])
    if affine is not None:
        behind = apply(affine[:, None, None, None, :2, :2], behind) + affine[:, None, None, None, :2, 2]
    return torch.cat((behind, motions), dim=1)


class DenseMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        masks: (B, parts, h, w), shares of the parts' motions, sum 1.
        occlusion: (B, 1, h, w) in [0, 1]; 0 is hidden in the source, and all is 1 where it is not estimated.
    """

    flow: Tensor
    masks: Tensor
    occlusion: Tensor


class MotionBlending(nn.Module):
    """Weighs part motions by how well the source, warped by each alone, explains the picture."""

    def __init__(
        self,
        parts: int,
        expansion: int,
        cap: int,
        blocks: int,
        align_corners: bool,
        estimate_occlusion: bool = True,
    ) -> None:
        """`parts`: number of motions, the background's among them; images have 3 channels."""
        super().__init__()
        self.align_corners = align_corners
        self.hourglass = Hourglass(parts * 4, expansion, cap, blocks)
        self.masks = nn.Conv2d(self.hourglass.outputs, parts, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.outputs, 1, 7, padding=3) if estimate_occlusion else None

    def forward(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> DenseMotion:
        """Blend the part motions.

        Args:
            source: (B, 3, h, w).
            heatmaps: (B, parts, h, w), where each part is in the driving frame less where it was in the source.
            motions: (B, parts, h, w, 2), for each part the position in the source of each pixel.
        """
        features = self.hourglass(self.evidence(source, heatmaps, motions))
        heads = (self.masks,) if self.occlusion is None else (self.masks, self.occlusion)
        mask_logits, *occlusion_logits = convolve_together(features, heads)
        masks = mask_logits.float().softmax(dim=1)
        flow = (masks[..., None] * motions).sum(dim=1)
        visible = torch.sigmoid(occlusion_logits[0].float()) if occlusion_logits else torch.ones_like(masks[:, :1])
        return DenseMotion(flow, masks, visible)

    def evidence(self, source: Tensor, heatmaps: Tensor, motions: Tensor) -> Tensor:
        """Input of the hourglass, (B, parts * 4, h, w): of each part its heatmap, then the source warped by it."""
        batch, parts, height, width = heatmaps.shape
        warped = warp_by_each(source, motions, self.align_corners)
        return torch.cat((heatmaps[:, :, None], warped), dim=2).reshape(batch, parts * 4, height, width)
