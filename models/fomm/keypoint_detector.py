"""Keypoints with local affine motions, learned as a by-product of animation (FOMM section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import convolve_together
from lia_bench.models.blocks.keypoints import HeatmapNetwork, expected_position, spatial_softmax
from lia_bench.models.fomm.configuration import KeypointDetectorConfiguration


class Keypoints(NamedTuple):
    """Keypoints of a batch of frames.

    Attributes:
        position: (B, K, 2), x, y in [-1, 1].
        jacobian: (B, K, 2, 2), the local linear part of the map from an abstract reference to the frame; the
            identity where it is not estimated.
    """

    position: Tensor
    jacobian: Tensor


class KeypointDetector(HeatmapNetwork):
    """Heatmaps to keypoints, and matrices averaged under the heatmaps."""

    def __init__(
        self, configuration: KeypointDetectorConfiguration, keypoints: int, estimate_jacobian: bool = True
    ) -> None:
        super().__init__(configuration, keypoints)
        self.jacobians: nn.Conv2d | None = None
        if not estimate_jacobian:
            return
        matrices = 1 if configuration.single_jacobian_map else keypoints
        self.jacobians = nn.Conv2d(self.hourglass.outputs, 4 * matrices, 7)
        # Starting at the identity matrix, training begins with pure translations.
        nn.init.zeros_(self.jacobians.weight)
        self.jacobians.bias = nn.Parameter(torch.eye(2).flatten().repeat(matrices))

    def forward(self, image: Tensor) -> Keypoints:
        """Keypoints of images (B, 3, H, W) in [0, 1]."""
        features = self.features(image)
        if self.jacobians is None:
            positions = expected_position(spatial_softmax(self.heatmaps(features), self.temperature))
            identity = torch.eye(2, dtype=positions.dtype, device=positions.device)
            return Keypoints(positions, identity.expand(*positions.shape, 2))
        logits, entries = convolve_together(features, (self.heatmaps, self.jacobians))
        heatmaps = spatial_softmax(logits, self.temperature)
        # One map for all keypoints broadcasts over them.
        entries = entries.float().reshape(entries.shape[0], -1, 4, *entries.shape[2:])
        jacobian = (heatmaps[:, :, None] * entries).sum(dim=(-2, -1))
        return Keypoints(expected_position(heatmaps), jacobian.reshape(*jacobian.shape[:2], 2, 2))
