"""X2Face's embedding network (paper section 3.1): where in a source each pixel of the embedded face lies."""

import torch
from torch import Tensor, nn

from lia_bench.models.x2face.configuration import X2FaceModel
from lia_bench.models.x2face.levels import UpLevel, down_levels, initialise


class EmbeddingNetwork(nn.Module):
    """A U-Net: every level on the way up sees the level of its size on the way down."""

    def __init__(self, configuration: X2FaceModel) -> None:
        super().__init__()
        widths = configuration.widths
        self.down = down_levels(widths)
        inputs = [*(2 * width for width in widths[:-1]), widths[-1]]
        outermost = UpLevel(inputs[0], 3, normalised=False)
        inner = (UpLevel(*shape, normalised=True) for shape in zip(inputs[1:], widths[:-1], strict=True))
        self.up = nn.ModuleList([outermost, *inner])
        initialise(self, outermost, configuration.initial_offset)

    def forward(self, source: Tensor) -> Tensor:
        """(B, 3, size, size) in [0, 1] to as much: offsets in x and y before their tanh, and a confidence logit."""
        levels = []
        features = source
        for level in self.down:
            features = level(features)
            levels.append(features)
        raised: Tensor = self.up[-1](levels[-1])
        for level, skipped in zip(reversed(self.up[:-1]), reversed(levels[:-1]), strict=True):
            # The authors' skips are what LeakyReLU left in place; the ReLU that follows makes both the same.
            raised = level(torch.cat((raised, skipped), dim=1))
        return raised
