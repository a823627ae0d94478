"""The generator of face-vid2vid: a warped volume and one of two decoders (section 3.2)."""

from lia_bench.models.blocks.spade import SpadeDecoder
from lia_bench.models.blocks.volume_generator import VolumeGenerator
from lia_bench.models.fvv.configuration import FvvModel
from lia_bench.models.fvv.residual_decoder import ResidualDecoder


class Generator(VolumeGenerator):
    """Decoded by SPADE blocks, or by residual blocks as in the first published weights."""

    def __init__(self, configuration: FvvModel) -> None:
        shape = configuration.generator
        super().__init__(shape, configuration.dense_motion, configuration.keypoints, configuration.depth)
        self.decoder = (
            SpadeDecoder(self.widths[-1], self.widths[0], shape.down_blocks)
            if shape.decoder == "spade"
            else ResidualDecoder(self.widths[::-1], shape.blocks)
        )
