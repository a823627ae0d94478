"""X2Face's driving network (paper section 3.1): from a driving frame through a vector to a sampling grid."""

import torch
from torch import Tensor, nn

from lia_bench.models.x2face.configuration import X2FaceModel
from lia_bench.models.x2face.levels import UpLevel, down_levels, initialise


class DrivingNetwork(nn.Module):
    """An encoder-decoder without skips: all that passes is the driving vector."""

    def __init__(self, configuration: X2FaceModel) -> None:
        super().__init__()
        widths = [*configuration.widths[:-1], configuration.driving_vector]
        self.down = down_levels(widths)
        outermost = UpLevel(widths[0], 2, normalised=False)
        inner = (UpLevel(*shape, normalised=True) for shape in zip(widths[1:], widths[:-1], strict=True))
        self.up = nn.ModuleList([outermost, *inner])
        initialise(self, outermost, configuration.initial_offset)

    def encode(self, frames: Tensor) -> Tensor:
        """Driving vectors (B, driving_vector), before the ReLU, of frames (B, 3, size, size) in [0, 1]."""
        for level in self.down:
            frames = level(frames)
        return frames[:, :, 0, 0]

    def decode(self, vectors: Tensor) -> Tensor:
        """Offsets (B, 2, size, size) in x and y, in (-1, 1), of driving vectors (B, driving_vector).

        They are not yet what is added to a grid: a second tanh follows, see `sampling_grid`.
        """
        offsets = vectors[:, :, None, None]
        for level in reversed(self.up):
            offsets = level(offsets)
        return torch.tanh(offsets)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, 3, size, size) in [0, 1] to offsets (B, 2, size, size) as `decode` gives them."""
        return self.decode(self.encode(frames))
