"""Encoder-decoders: the U-Net inside keypoint detectors and dense-motion networks, and the layers of a generator."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.configuration import GeneratorConfiguration
from lia_bench.models.blocks.convolution import Convolution, ConvolutionBlock, DownBlock, ResidualBlock, UpBlock


class Hourglass(nn.Module):
    """Down blocks of widths min(cap, expansion * 2^(i + 1)), and up blocks that mirror them, each size skipped over.

    There is no last convolution: the outputs are the last up block's `expansion` maps and the network's input.

    Attributes:
        outputs: channels that come out, `expansion + inputs`.
        widths: channels of each of `levels`, `outputs` last.
        stride: height and width of the input must be multiples of it.
    """

    def __init__(
        self,
        inputs: int,
        expansion: int,
        cap: int,
        blocks: int,
        down: Callable[[int, int], nn.Module] = DownBlock,
        up: Callable[[int, int], nn.Module] = UpBlock,
    ) -> None:
        """`down`, `up`: make a block from its inputs and outputs, one that halves and one that doubles the size."""
        super().__init__()
        widths = [inputs, *(min(cap, expansion * 2 ** (index + 1)) for index in range(blocks))]
        self.down = nn.ModuleList(down(widths[index], widths[index + 1]) for index in range(blocks))
        self.up = nn.ModuleList()
        deep = widths[-1]
        self.widths = [deep]
        for index in reversed(range(blocks)):
            width = min(cap, expansion * 2**index)
            self.up.append(up(deep, width))
            deep = width + widths[index]
            self.widths.append(deep)
        self.outputs = deep
        self.stride = 2**blocks

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, *size) to (B, outputs, *size): first the decoded maps, then the input."""
        return self.levels(features)[-1]

    def levels(self, features: Tensor) -> list[Tensor]:
        """From the deepest maps (B, widths[0], *size / stride) to the outputs, each of twice the size before."""
        skips = [features]
        for down in self.down:
            skips.append(down(skips[-1]))
        levels = [skips.pop()]
        for up in self.up:
            levels.append(torch.cat((up(levels[-1]), skips.pop()), dim=1))
        return levels


class EncoderDecoder(NamedTuple):
    """From a frame to a frame; what is between them is the generator's own.

    Attributes:
        stem: to features of full resolution.
        down: blocks that halve the size.
        residual: blocks at the smallest size.
        up: blocks that double it, as many as `down`.
        output: to 3 channels, without an activation.
    """

    stem: ConvolutionBlock
    down: nn.ModuleList
    residual: nn.ModuleList
    up: nn.ModuleList
    output: Convolution


def encoder_decoder(shape: GeneratorConfiguration) -> EncoderDecoder:
    """Fresh layers, of widths min(cap, expansion * 2^i)."""
    steps = range(shape.down_blocks)
    widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.down_blocks + 1)]
    return EncoderDecoder(
        stem=ConvolutionBlock(3, widths[0], kernel_size=7),
        down=nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in steps),
        residual=nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(shape.residual_blocks)),
        up=nn.ModuleList(UpBlock(widths[index + 1], widths[index]) for index in reversed(steps)),
        output=Convolution(widths[0], 3, 7, padding=3),
    )
