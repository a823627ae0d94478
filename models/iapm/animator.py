"""IAPM as a model of the zoo."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from lia_bench.models.animator import SizedAnimator
from lia_bench.models.iapm.configuration import IapmModel
from lia_bench.models.iapm.generator import Generator
from lia_bench.models.iapm.masks import MaskGenerator, perturbed_for_testing


@dataclass(frozen=True)
class EncodedSource:
    """A source frame at both sizes and its mask; batch size 1."""

    frame: Tensor
    small: Tensor
    mask: Tensor


class IapmAnimator(SizedAnimator):
    """Mask generator and generator.

    There is one transfer mode, "absolute": the driving frame's mask, perturbed so that it tells less of the driving
    subject and refined so that it fits the source's.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute",)

    def __init__(self, configuration: IapmModel) -> None:
        super().__init__(configuration.size)
        self.threshold = configuration.threshold
        self.mask_generator = MaskGenerator(configuration)
        self.generator = Generator(configuration)
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source with its mask; every driving frame stands alone."""
        return EncodedSource(source, self.generator.shrunk(source), self.mask_generator(source))

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        source, small, source_mask = (
            value.expand(driving.shape[0], -1, -1, -1) for value in (encoded.frame, encoded.small, encoded.mask)
        )
        perturbed = perturbed_for_testing(self.mask_generator(driving), self.threshold)
        refined = self.generator.refinement(small, source_mask, perturbed)
        return self.generator.paint(source, small, source_mask, refined).fine
