"""The losses that compare a generated frame with the true one, on an image pyramid."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.antialiasing import ImagePyramid
from lia_bench.models.blocks.configuration import ReconstructionWeights
from lia_bench.models.blocks.perceptual import PerceptualLoss, published_vgg19


class PyramidDifference(nn.Module):
    """Mean absolute difference of two images, summed over the scales of a pyramid; for training without VGG19."""

    def __init__(self, scales: Sequence[float]) -> None:
        super().__init__()
        self.pyramid = ImagePyramid(scales)

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Scalar, of (B, 3, H, W) images."""
        # The pyramid is linear, so one pyramid of the difference does for both images.
        levels = self.pyramid(generated - target)
        return torch.stack([level.abs().mean() for level in levels]).sum()


class ReconstructionLoss(nn.Module):
    """The perceptual and the absolute difference of frames, those that have a weight."""

    def __init__(self, weights: ReconstructionWeights) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        super().__init__()
        self.weights = weights
        self.perceptual = None
        if weights.perceptual:
            self.perceptual = PerceptualLoss(published_vgg19(), weights.scales, (1.0,) * 5, lambda image: image)
        self.difference = PyramidDifference(weights.scales) if weights.l1 else None

    def forward(self, generated: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Weighted scalars "perceptual" and "l1" of images (B, 3, H, W) in [0, 1]."""
        losses = {}
        if self.perceptual is not None:
            losses["perceptual"] = self.weights.perceptual * self.perceptual(generated, target)
        if self.difference is not None:
            losses["l1"] = self.weights.l1 * self.difference(generated, target)
        return losses
