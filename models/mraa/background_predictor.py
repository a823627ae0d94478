"""How the background moved between two frames (MRAA section 3.3)."""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import DownBlock
from lia_bench.models.mraa.configuration import BackgroundConfiguration


class BackgroundPredictor(nn.Module):
    """An encoder of both frames, averaged over the picture, and a linear layer."""

    def __init__(self, configuration: BackgroundConfiguration) -> None:
        super().__init__()
        shape = configuration
        widths = [6, *(min(shape.cap, shape.expansion * 2 ** (index + 1)) for index in range(shape.blocks))]
        self.down = nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in range(shape.blocks))
        self.entries = nn.Linear(widths[-1], 6)
        # Training begins with a background that stands still.
        nn.init.zeros_(self.entries.weight)
        self.entries.bias = nn.Parameter(torch.eye(2, 3).flatten())

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """[A | b] (B, 2, 3): position A z + b in the source of what is at z in the driving frame, x, y in [-1, 1].

        Args:
            source: (B, 3, H, W) in [0, 1]; `driving` likewise.
        """
        features = torch.cat((source, driving), dim=1)
        for down in self.down:
            features = down(features)
        entries: Tensor = self.entries(features.mean(dim=(2, 3)))
        return entries.float().reshape(-1, 2, 3)
