"""From keypoints to a coarse motion (SADE's F_K and F_C, section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import HourglassConfiguration
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE, MotionBlending
from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_position, heatmap_difference
from lia_bench.models.blocks.warping import coordinate_grid


class KeypointDetector(HeatmapNetwork):
    """F_K: the mean positions of the heatmaps that an hourglass draws."""

    def forward(self, image: Tensor) -> Tensor:
        """Keypoints (B, K, 2), x, y in [-1, 1], of images (B, 3, H, W) in [0, 1]."""
        return expected_position(self.draw(image))


class TrustedMotion(NamedTuple):
    """The motion that leads to a view, and where to trust it.

    Attributes:
        offsets: T~, (B, h, w, 2), from each driving pixel to its position in the view, x, y, 2 is the picture's side.
        confidence: C, (B, 1, h, w) in [0, 1], not yet weighed against other views.
    """

    offsets: Tensor
    confidence: Tensor


class CoarseMotion(nn.Module):
    """Blends the keypoints' displacements and a background that stands still (equations 2 and 3).

    [A] The network is FOMM's for dense motion without Jacobians. Its second head, there the occlusion, is the
    confidence here; the paper puts that on the same decoder.
    """

    def __init__(self, configuration: HourglassConfiguration, keypoints: int) -> None:
        super().__init__()
        shape = configuration
        self.blending = MotionBlending(keypoints + 1, shape.expansion, shape.cap, shape.blocks, align_corners=True)

    def forward(self, view: Tensor, view_keypoints: Tensor, driving_keypoints: Tensor) -> TrustedMotion:
        """Motion to shrunk views (B, 3, h, w) whose keypoints (B, K, 2) are to take the driving positions (B, K, 2)."""
        height, width = view.shape[2:]
        displacements = view_keypoints - driving_keypoints
        displacements = torch.cat((torch.zeros_like(displacements[:, :1]), displacements), dim=1)[:, :, None, None]
        heatmaps = heatmap_difference(view_keypoints, driving_keypoints, KEYPOINT_VARIANCE, height, width)
        motions = coordinate_grid(height, width, like=displacements) + displacements
        blended = self.blending(view, heatmaps, motions)
        offsets = (blended.masks[..., None] * displacements).sum(dim=1)
        return TrustedMotion(offsets, blended.occlusion)
