"""What a LIA-X experiment is made of."""

from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import LatentLoss, LatentOptimiser, PowerOfTwo
from lia_bench.models.card import NamedDirection
from lia_bench.models.training.configuration import ExperimentConfiguration


class LiaxModel(Section):
    """The network's sizes."""

    size: PowerOfTwo = Field(512, ge=64, le=1024, description="side of the frames in pixels, a power of two")
    scale: int = Field(2, gt=0, description="factor on all widths and on the length of the latent code")
    style_dim: int = Field(512, gt=0, description="length of the latent code at scale 1")
    motion_dim: int = Field(40, gt=0, description="directions in the motion dictionary")
    channel_base: int = Field(32768, gt=0, description="channels at resolution r are scale * channel_base / r, at ...")
    channel_limit: int = Field(512, gt=0, description="... most scale * this many")
    blocks: int = Field(4, ge=0, description="residual blocks of each level's flow, and of its colours")
    initial_flow: float = Field(1.0, gt=0, description="factor on the flow heads' random weights at the start")
    controls: tuple[NamedDirection, ...] = Field(
        (), description="directions with a name: those of the published file, which sets them; trainings have none"
    )

    @model_validator(mode="after")
    def _directions_fit(self) -> Self:
        if self.motion_dim > self.latent_dim:
            raise ValueError(
                f"a latent space of {self.latent_dim} dimensions has no {self.motion_dim} orthogonal directions: "
                f"set motion_dim to at most {self.latent_dim}, or style_dim higher"
            )
        if beyond := [named.name for named in self.controls if named.direction > self.motion_dim]:
            raise ValueError(f"{self.motion_dim} directions hold no control {', '.join(beyond)}: leave it out")
        return self

    @property
    def latent_dim(self) -> int:
        """Length of the latent code."""
        return self.style_dim * self.scale

    def channels(self, resolution: int) -> int:
        """Width of encoder and decoder at a resolution in pixels."""
        return self.scale * max(1, min(self.channel_limit, self.channel_base // resolution))

    @property
    def resolutions(self) -> list[int]:
        """The decoder's levels: 8, 16, ..., size."""
        return [2**power for power in range(3, self.size.bit_length())]


class LiaxLoss(LatentLoss):
    """Weights of the training objective; LIA's, and one that is not published."""

    sparsity: float = Field(
        0.001, ge=0, description="of the L1 norm of the driving frame's magnitudes; not published, chosen here"
    )


class LiaxConfiguration(ExperimentConfiguration):
    """A variant of LIA-X."""

    model: LiaxModel = LiaxModel()
    loss: LiaxLoss = LiaxLoss()
    optimiser: LatentOptimiser = LatentOptimiser()
