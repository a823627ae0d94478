"""The U-Net inside keypoint detectors and dense-motion networks."""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import DownBlock, UpBlock


class Hourglass(nn.Module):
    """Down blocks of widths min(cap, expansion * 2^(i + 1)), and up blocks that mirror them, each size skipped over.

    There is no last convolution: the outputs are the last up block's `expansion` maps and the network's input.

    Attributes:
        outputs: channels that come out, `expansion + inputs`.
        stride: height and width of the input must be multiples of it.
    """

    def __init__(self, inputs: int, expansion: int, cap: int, blocks: int) -> None:
        super().__init__()
        widths = [inputs, *(min(cap, expansion * 2 ** (index + 1)) for index in range(blocks))]
        self.down = nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in range(blocks))
        self.up = nn.ModuleList()
        deep = widths[-1]
        for index in reversed(range(blocks)):
            width = min(cap, expansion * 2**index)
            self.up.append(UpBlock(deep, width))
            deep = width + widths[index]
        self.outputs = deep
        self.stride = 2**blocks

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W): first the decoded maps, then the input."""
        skips = [features]
        for down in self.down:
            skips.append(down(skips[-1]))
        decoded = skips.pop()
        for up in self.up:
            decoded = torch.cat((up(decoded), skips.pop()), dim=1)
        return decoded
