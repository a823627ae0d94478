"""The layers of a generator that encodes a frame, changes it at a low resolution, and paints it (FOMM, MRAA)."""

from typing import NamedTuple

from torch import nn

from lia_bench.models.blocks.configuration import GeneratorConfiguration
from lia_bench.models.blocks.convolution import ConvolutionBlock, DownBlock, ResidualBlock, UpBlock


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
    output: nn.Conv2d


def encoder_decoder(shape: GeneratorConfiguration) -> EncoderDecoder:
    """Fresh layers, of widths min(cap, expansion * 2^i)."""
    steps = range(shape.down_blocks)
    widths = [min(shape.cap, shape.expansion * 2**index) for index in range(shape.down_blocks + 1)]
    return EncoderDecoder(
        stem=ConvolutionBlock(3, widths[0], kernel_size=7),
        down=nn.ModuleList(DownBlock(widths[index], widths[index + 1]) for index in steps),
        residual=nn.ModuleList(ResidualBlock(widths[-1]) for _ in range(shape.residual_blocks)),
        up=nn.ModuleList(UpBlock(widths[index + 1], widths[index]) for index in reversed(steps)),
        output=nn.Conv2d(widths[0], 3, 7, padding=3),
    )
