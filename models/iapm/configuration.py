"""What can be configured of IAPM: the networks, the losses and the optimisers."""

import math
from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import AdamConfiguration, EncoderDecoderConfiguration, check_halvable
from lia_bench.models.training.configuration import ColourJitter, ExperimentConfiguration

# Five pivots cut a mask into strips; on fewer pixels strips would vanish.
SMALLEST_MASK = 16


class MaskConfiguration(EncoderDecoderConfiguration):
    """A network that puts out a mask."""

    temperature: float = Field(0.1, gt=0, description="divides the mask's logits")


class LowResolutionConfiguration(Section):
    """What paints the coarse frame from masks and the shrunk source."""

    expansion: int = Field(gt=0, description="width at the frame's size; twice that at every halving")
    cap: int = Field(gt=0, description="no block is wider")
    residual_blocks: int = Field(ge=0)


class IapmModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    mask_scale: float = Field(gt=0, lt=1, description="1/2, 1/4, ...: side of the masks over that of the frames")
    threshold: int = Field(ge=0, le=255, description="grey levels of a driving mask up to this one are set to 0")
    perturbation: bool = Field(
        True, description="driving masks are perturbed; false: they keep the driving subject's shape"
    )
    reference: bool = Field(
        True, description="the refinement sees the source and its mask; false: the perturbed driving mask alone"
    )
    mask_generator: MaskConfiguration
    refinement: MaskConfiguration | None = Field(
        description="null: nothing restores the source's shape, the perturbed mask paints as it is"
    )
    low_resolution: LowResolutionConfiguration
    high_resolution: EncoderDecoderConfiguration

    @property
    def mask_size(self) -> int:
        """Side of the masks in pixels."""
        return round(self.size * self.mask_scale)

    @property
    def halvings(self) -> int:
        """How often the frames are halved to the masks' size."""
        return round(-math.log2(self.mask_scale))

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        if self.mask_scale != 0.5**self.halvings:
            raise ValueError(f"mask_scale {self.mask_scale} is not 1/2, 1/4, 1/8, ...")
        deepest = max(self.mask_generator.blocks, self.refinement.blocks if self.refinement else 0)
        check_halvable(self.size, 2 ** (deepest + self.halvings), 2**self.high_resolution.blocks)
        if self.mask_size < SMALLEST_MASK:
            raise ValueError(f"size {self.size} is too small: masks need {SMALLEST_MASK} pixels, not {self.mask_size}")
        return self


class IapmLoss(Section):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    refinement: float = Field(100.0, ge=0, description="of the refined mask's mean absolute difference")
    perceptual: float = Field(10.0, ge=0, description="of each VGG19 layer at each scale, for each of the two frames")
    perceptual_layers: int = Field(5, ge=1, le=5, description="how many of relu1_1, relu2_1, ..., relu5_1 count")
    l1: float = Field(0.0, ge=0, description="of each frame's mean absolute difference")
    scales: tuple[float, ...] = Field((1.0, 0.5, 0.25, 0.125), description="of the pyramid for perceptual")

    @model_validator(mode="after")
    def _frames_are_trained(self) -> Self:
        if not (self.perceptual or self.l1):
            raise ValueError("without perceptual and l1 no frame is learned: give one of them a weight above 0")
        return self


class IapmOptimiser(AdamConfiguration):
    """Adam for each network: learning rates, moments, and the epochs after which all rates fall to a tenth."""

    generator: float = Field(2e-4, ge=0)
    mask_generator: float = Field(2e-4, ge=0)


class IapmConfiguration(ExperimentConfiguration):
    """An IAPM variant."""

    model: IapmModel
    jitter: ColourJitter = Field(
        ColourJitter(),
        description="of colours, drawn once for the source and the frame to be painted, and once more for the "
        "driving frame that the mask generator sees; data.jitter would change all three alike before",
    )
    loss: IapmLoss = IapmLoss()
    optimiser: IapmOptimiser = IapmOptimiser()
