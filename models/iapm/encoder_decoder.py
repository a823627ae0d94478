"""An encoder-decoder that must say everything through its narrowest map."""

from torch import Tensor, nn

from lia_bench.models.blocks.configuration import EncoderDecoderConfiguration
from lia_bench.models.blocks.convolution import DownBlock, UpBlock


class EncoderDecoder(nn.Module):
    """Down blocks of widths min(cap, expansion * 2^(i + 1)) and up blocks that mirror them, without skips.

    Attributes:
        outputs: channels that come out.
    """

    def __init__(self, inputs: int, shape: EncoderDecoderConfiguration) -> None:
        super().__init__()
        widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.blocks + 1)]
        self.down = nn.ModuleList(
            DownBlock(inputs if index == 0 else widths[index], widths[index + 1]) for index in range(shape.blocks)
        )
        self.up = nn.ModuleList(UpBlock(widths[index + 1], widths[index]) for index in reversed(range(shape.blocks)))
        self.outputs = widths[0]

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        for block in (*self.down, *self.up):
            features = block(features)
        return features
