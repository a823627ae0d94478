"""Keypoints learned as a by-product of animation (SADE's F_K, section 3.1)."""

from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import AntiAliasDownsample
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import expected_position, spatial_softmax
from lia_bench.models.sade.configuration import KeypointDetectorConfiguration


class KeypointDetector(nn.Module):
    """An hourglass, and the mean positions of the heatmaps it draws."""

    def __init__(self, configuration: KeypointDetectorConfiguration, keypoints: int) -> None:
        super().__init__()
        self.temperature = configuration.temperature
        self.downsample = AntiAliasDownsample(3, configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        # Without padding, as in FOMM: positions span the inner map from -1 to 1.
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, keypoints, 7)

    def forward(self, image: Tensor) -> Tensor:
        """Keypoints (B, K, 2), x, y in [-1, 1], of images (B, 3, H, W) in [0, 1]."""
        logits = self.heatmaps(self.hourglass(self.downsample(image)))
        return expected_position(spatial_softmax(logits, self.temperature))
