"""Keypoints with covariances, learned as a by-product of animation (Monkey-Net section 3.2)."""

from typing import NamedTuple

from torch import Tensor, nn

from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import expected_covariance, expected_position, spatial_softmax
from lia_bench.models.monkeynet.configuration import KeypointDetectorConfiguration

# Added to every cell of a heatmap, which is not normalised once more.
FLOOR = 1e-7
# Where both variances are equal, the square root that parts them has no slope.
SMALLEST_SQUARE = 1e-20


class Keypoints(NamedTuple):
    """Keypoints of a batch of frames.

    Attributes:
        position: (B, K, 2), x, y in [-1, 1].
        covariance: (B, K, 2, 2), of the heatmap around the position.
    """

    position: Tensor
    covariance: Tensor


class KeypointDetector(nn.Module):
    """One heatmap a keypoint; the keypoint is the heatmap's mean and covariance."""

    def __init__(self, configuration: KeypointDetectorConfiguration, keypoints: int) -> None:
        super().__init__()
        self.temperature = configuration.temperature
        self.smallest_variance = configuration.smallest_variance
        self.step = round(1 / configuration.scale)
        self.hourglass = Hourglass(3, configuration.expansion, configuration.cap, configuration.blocks)
        self.heatmaps = nn.Conv2d(self.hourglass.outputs, keypoints, 3, padding=1)

    def forward(self, image: Tensor) -> Keypoints:
        """Keypoints of images (B, 3, H, W) in [0, 1]."""
        heatmaps = spatial_softmax(self.logits(image), self.temperature) + FLOOR
        position = expected_position(heatmaps)
        covariance = expected_covariance(heatmaps, position)
        if self.smallest_variance is not None:
            covariance = enlarged(covariance, self.smallest_variance)
        return Keypoints(position, covariance)

    def logits(self, image: Tensor) -> Tensor:
        """Heatmaps before temperature and softmax, (B, K, H scale, W scale)."""
        logits: Tensor = self.heatmaps(self.hourglass(image[..., :: self.step, :: self.step]))
        return logits


def enlarged(covariance: Tensor, smallest: float) -> Tensor:
    """Covariances (..., 2, 2) times a number at least 1, such that no axis has a variance below `smallest`."""
    middle = (covariance[..., 0, 0] + covariance[..., 1, 1]) / 2
    half = (covariance[..., 0, 0] - covariance[..., 1, 1]) / 2
    apart = (half**2 + covariance[..., 0, 1] ** 2).clamp(min=SMALLEST_SQUARE).sqrt()
    smaller = middle - apart
    return covariance * (smaller.clamp(min=smallest) / smaller)[..., None, None]
