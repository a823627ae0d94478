"""What can be configured of X2Face: the networks, the losses and the optimiser."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import PowerOfTwo
from lia_bench.models.training.configuration import ExperimentConfiguration

# Widths double down to the fourth level.
WIDEST = 8


class X2FaceModel(Section):
    """The two networks; each halves the frame until one pixel is left."""

    size: PowerOfTwo = Field(256, ge=32, le=1024, description="side of the frames in pixels, a power of two")
    width: int = Field(64, gt=0, description="channels of the first level; they double down to eight times as many")
    driving_vector: int = Field(128, gt=0, description="length of what is known of a driving frame")
    initial_offset: float = Field(
        1.0,
        gt=0,
        description="factor on the random weights of the last layers at the start; 1 in the authors' training, less "
        "lets a short training begin near the source instead of a scrambled picture",
    )

    @property
    def widths(self) -> list[int]:
        """Channels after each level on the way down, outermost first."""
        return [self.width * min(2**level, WIDEST) for level in range(self.size.bit_length() - 1)]


class X2FaceLoss(Section):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    photometric: float = Field(1.0, gt=0, description="of the mean absolute difference of frames in [0, 1]")
    perceptual: float = Field(
        0.0,
        ge=0,
        description="of the paper's second stage, for which nothing was published: each of five VGG19 layers, of the "
        "driving frame and of the source driven by another clip. The authors' features are of a face recognition "
        "network; VGG19 stands in for it",
    )

    @property
    def scales(self) -> tuple[float, ...]:
        """At which frames are compared: their own alone."""
        return (1.0,)


class X2FaceOptimiser(Section):
    """One optimiser for both networks."""

    method: Literal["sgd", "adam"] = Field(
        "sgd", description="sgd as the authors trained; adam finds the motion in hundreds of iterations"
    )
    learning_rate: float = Field(1e-3, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd, or adam's first beta")


class X2FaceConfiguration(ExperimentConfiguration):
    """A variant of X2Face."""

    model: X2FaceModel = X2FaceModel()
    loss: X2FaceLoss = X2FaceLoss()
    optimiser: X2FaceOptimiser = X2FaceOptimiser()

    @model_validator(mode="after")
    def _another_clip_in_the_batch(self) -> Self:
        if self.loss.perceptual and self.data.batch_size < 2:
            raise ValueError("loss.perceptual needs another clip in the batch: take data.batch_size=2 or more")
        return self
