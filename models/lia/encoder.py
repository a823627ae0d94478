"""An image to a latent code, features for the decoder to warp, and magnitudes along the motion directions."""

from torch import Tensor, nn

from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, EqualisedConvolution, EqualisedLinear, ResidualDown
from lia_bench.models.lia.configuration import LiaModel


class Encoder(nn.Module):
    """Convolutions from the image's size down to a code, keeping every map of 8x8 and above."""

    def __init__(self, configuration: LiaModel) -> None:
        super().__init__()
        channels = configuration.channels
        self.stem = ActivatedConvolution(3, channels(configuration.size), 1)
        self.blocks = nn.ModuleList(
            ResidualDown(channels(resolution), channels(resolution // 2))
            for resolution in reversed(configuration.resolutions)
        )
        self.head = EqualisedConvolution(channels(4), configuration.style_dim, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (B, 3, size, size) in [-1, 1] to codes (B, style_dim) and maps from 8x8 up to the full size."""
        feature = self.stem(image)
        pyramid = []
        for block in self.blocks:
            pyramid.append(feature)
            feature = block(feature)
        return self.head(feature).flatten(1), pyramid[::-1]


class MagnitudeHead(nn.Sequential):
    """Five linear layers, with nothing between them, from a code (B, style_dim) to magnitudes (B, motion_dim).

    Without a motion dictionary the output is (B, style_dim), the walk in the latent space itself.
    """

    def __init__(self, configuration: LiaModel) -> None:
        width = configuration.style_dim
        super().__init__(
            *(EqualisedLinear(width, width) for _ in range(4)),
            EqualisedLinear(width, configuration.motion_dim or width),
        )
