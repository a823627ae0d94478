"""An image to a latent code, and to the features that a decoder warps: the encoder of LIA and its kin."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, EqualisedConvolution, ResidualDown


class WideningDown(ResidualDown):
    """A halving block in which it is the first of the two 3x3 convolutions that changes the width."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, between=out_channels)


class LatentEncoder(nn.Module):
    """Convolutions from the image's size down to a code, keeping every map of 8x8 and above."""

    def __init__(
        self,
        channels: Callable[[int], int],
        resolutions: Sequence[int],
        code_width: int,
        halving: type[ResidualDown] = ResidualDown,
    ) -> None:
        """
        Args:
            channels: width at a side in pixels.
            resolutions: 8, 16, ... up to the images' side.
            code_width: length of the code.
            halving: the block between two sides.
        """
        super().__init__()
        self.stem = ActivatedConvolution(3, channels(resolutions[-1]), 1)
        self.blocks = nn.ModuleList(
            halving(channels(resolution), channels(resolution // 2)) for resolution in reversed(resolutions)
        )
        self.head = EqualisedConvolution(channels(4), code_width, 4)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Images (B, 3, size, size) in [-1, 1] to codes (B, code_width) and maps from 8x8 up to the full size."""
        feature = self.stem(image)
        pyramid = []
        for block in self.blocks:
            pyramid.append(feature)
            feature = block(feature)
        return self.head(feature).flatten(1), pyramid[::-1]
