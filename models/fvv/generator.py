"""The generator of face-vid2vid: a warped volume and one of two decoders (section 3.2)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from lia_bench.models.blocks.convolution import ResidualBlock, UpBlock
from lia_bench.models.blocks.spade import SpadeDecoder
from lia_bench.models.blocks.volume_generator import VolumeGenerator
from lia_bench.models.fvv.configuration import FvvModel


class ResidualDecoder(nn.Module):
    """Residual blocks at the size of the features, then doublings up to the frame's."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        """`widths`: channels of the features, then after each doubling."""
        super().__init__()
        self.residual = nn.ModuleList(ResidualBlock(widths[0]) for _ in range(blocks))
        self.up = nn.ModuleList(UpBlock(*pair) for pair in pairwise(widths))
        self.final = nn.Conv2d(widths[-1], 3, 7, padding=3)

    def forward(self, features: Tensor) -> Tensor:
        """Logits of the frame (B, 3, 2^n H, 2^n W), n doublings, for features (B, widths[0], H, W)."""
        for block in (*self.residual, *self.up):
            features = block(features)
        logits: Tensor = self.final(features)
        return logits


class Generator(VolumeGenerator):
    """Decoded by SPADE blocks, or by residual blocks as in the first published weights."""

    def __init__(self, configuration: FvvModel) -> None:
        shape = configuration.generator
        super().__init__(shape, configuration.dense_motion, configuration.keypoints, configuration.depth)
        self.decoder = (
            SpadeDecoder(self.widths[-1], self.widths[0], shape.down_blocks)
            if shape.decoder == "spade"
            else ResidualDecoder(self.widths[::-1], shape.blocks)
        )
