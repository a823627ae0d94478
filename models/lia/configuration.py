"""What a LIA experiment is made of."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import PowerOfTwo
from lia_bench.models.training.configuration import ExperimentConfiguration


class LiaModel(Section):
    """The network's sizes."""

    size: PowerOfTwo = Field(256, ge=64, le=1024, description="side of the frames in pixels, a power of two")
    style_dim: int = Field(512, gt=0, description="length of the latent code")
    motion_dim: int | None = Field(
        20,
        gt=0,
        description="directions in the motion dictionary; null is without one, the ablation of the paper's table 4: "
        "the magnitude head's output, as long as the code, is added to it directly",
    )
    channel_base: int = Field(16384, gt=0, description="channels at resolution r are channel_base / r, at most ...")
    channel_limit: int = Field(512, gt=0, description="... this many; the paper's networks have 16384 and 512")
    initial_flow: float = Field(
        1.0,
        gt=0,
        description="factor on the flow heads' random weights at the start; 1 in the paper's networks, less lets a "
        "short training begin with little motion instead of a scrambled picture",
    )

    @model_validator(mode="after")
    def _directions_fit(self) -> Self:
        if self.motion_dim and self.motion_dim > self.style_dim:
            raise ValueError(
                f"a latent space of {self.style_dim} dimensions has no {self.motion_dim} orthogonal directions: "
                f"set motion_dim to at most {self.style_dim}, or style_dim higher"
            )
        return self

    def channels(self, resolution: int) -> int:
        """Width of encoder, decoder and discriminator at a resolution in pixels."""
        return max(1, min(self.channel_limit, self.channel_base // resolution))

    @property
    def resolutions(self) -> list[int]:
        """The decoder's levels: 8, 16, ..., size."""
        return [2**power for power in range(3, self.size.bit_length())]


class LiaLoss(Section):
    """Weights of the training objective; a term of weight 0 is not computed, nor is the network it needs."""

    l1: float = Field(1.0, ge=0, description="mean absolute difference of images in [-1, 1]")
    perceptual: float = Field(10.0, ge=0, description="of each of five VGG19 layers at four scales")
    adversarial: float = Field(1.0, ge=0)
    r1: float = Field(0.0, ge=0, description="gamma of the discriminator's gradient penalty, every 16 iterations")

    @model_validator(mode="after")
    def _some_term(self) -> Self:
        if not (self.l1 or self.perceptual or self.adversarial):
            raise ValueError("give l1, perceptual or adversarial a weight above 0")
        if self.r1 and not self.adversarial:
            raise ValueError("r1 regularises the discriminator, which is there only with adversarial above 0")
        return self


class LiaOptimiser(Section):
    """Adam; its rate and betas are corrected as StyleGAN2 does for lazy regularisation."""

    learning_rate: float = Field(0.002, gt=0, description="before the factors 4/5 (generator), 16/17 (discriminator)")
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)


class LiaConfiguration(ExperimentConfiguration):
    """A variant of LIA."""

    published_names: ClassVar[Mapping[str, str]] = {"motion.directions": "model.motion_dim"}

    model: LiaModel = LiaModel()
    loss: LiaLoss = LiaLoss()
    optimiser: LiaOptimiser = LiaOptimiser()
