"""The decoder of the first published weights: FOMM's residual blocks and up blocks."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from lia_bench.models.blocks.convolution import ResidualBlock, UpBlock


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
