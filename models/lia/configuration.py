"""What a LIA experiment is made of."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import LatentLoss, LatentOptimiser, PowerOfTwo
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


class LiaConfiguration(ExperimentConfiguration):
    """A variant of LIA."""

    published_names: ClassVar[Mapping[str, str]] = {"motion.directions": "model.motion_dim"}

    model: LiaModel = LiaModel()
    loss: LatentLoss = LatentLoss()
    optimiser: LatentOptimiser = LatentOptimiser()
