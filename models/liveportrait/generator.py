"""Appearance volume, warping and decoder in one (LivePortrait 3.1); only the decoder differs from face-vid2vid's."""

from lia_bench.models.blocks.spade import SpadeDecoder
from lia_bench.models.blocks.volume_generator import VolumeGenerator
from lia_bench.models.liveportrait.configuration import LivePortraitModel


class Generator(VolumeGenerator):
    """Decoded by SPADE blocks, and by a pixel shuffle where the frames that come out are larger."""

    def __init__(self, configuration: LivePortraitModel) -> None:
        shape = configuration.generator
        super().__init__(shape, configuration.dense_motion, configuration.points, configuration.depth)
        self.decoder = SpadeDecoder(self.widths[-1], self.widths[0], shape.down_blocks, shape.upscale, shape.hidden)
