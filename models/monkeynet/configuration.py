"""What can be configured of Monkey-Net: the networks, the losses and the optimisers."""

from typing import Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdversarialOptimiser,
    HeatmapConfiguration,
    HourglassConfiguration,
    check_halvable,
)
from lia_bench.models.blocks.warping import Resizing
from lia_bench.models.training.configuration import ExperimentConfiguration

HeatmapDivisor = PositiveFloat | Literal["sum"]


class KeypointDetectorConfiguration(HeatmapConfiguration):
    """Where keypoints and their covariances come from."""

    smallest_variance: float | None = Field(
        None, gt=0, description="covariances are enlarged until their smaller axis has this variance; null: never"
    )


class DenseMotionConfiguration(HourglassConfiguration):
    """Where the flow comes from."""

    group_blocks: int = Field(ge=0, description="blocks before the hourglass in which keypoints do not mix")
    displacement_maps: bool = Field(False, description="the hourglass sees how far each keypoint moved as well")


class GeneratorConfiguration(Section):
    """What paints the frame."""

    expansion: int = Field(gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    blocks: int = Field(gt=0)
    residual_blocks: int = Field(ge=0, description="at full resolution, after the decoder")
    heatmap_scale: float = Field(gt=0, le=1, description="1, 1/2, 1/3, ...: resolution that heatmaps are drawn at")
    resizing: Resizing = Field("nearest", description="how flow and heatmaps are brought to the size of each level")


class MonkeyNetModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    keypoints: int = Field(gt=0)
    heatmap_divisor: HeatmapDivisor = Field(
        description="divides the heatmaps that networks see, whose peak is 1; 'sum': each by its own sum"
    )
    align_corners: bool = Field(
        False,
        description="how coordinates are read when sampling: False as PyTorch since 1.3; True for weights that were "
        "trained on older versions, as those their authors published presumably were",
    )
    keypoint_detector: KeypointDetectorConfiguration
    dense_motion: DenseMotionConfiguration
    generator: GeneratorConfiguration

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        step = round(1 / self.generator.heatmap_scale)
        if step * self.generator.heatmap_scale != 1:
            raise ValueError(f"heatmap_scale {self.generator.heatmap_scale} is not 1, 1/2, 1/3, ...")
        steps = (self.keypoint_detector.size_step(), self.dense_motion.size_step())
        check_halvable(self.size, 2**self.generator.blocks, step, *steps)
        return self


class DiscriminatorConfiguration(Section):
    """The network that losses are taken from."""

    expansion: int = Field(32, gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(256, gt=0, description="no block is wider")
    blocks: int = Field(4, gt=0)

    def smallest_size(self) -> int:
        """Side in pixels of the smallest frame that leaves one score."""
        size = 1
        for _ in range(self.blocks):
            size = 2 * size + 3
        return size


class MonkeyNetLoss(Section):
    """Weights; a term of weight 0 is not computed, and what only it needs is not built."""

    l1: float = Field(10.0, ge=0, description="of the mean absolute difference of the frames")
    feature_matching: tuple[float, ...] = Field(
        (10.0, 10.0, 10.0, 1.0), description="of each block of the discriminator; none: not at all"
    )
    adversarial: float = Field(1.0, ge=0, description="of the discriminator's judgement, and of its own loss")
    deformed_l1: float = Field(0.0, ge=0, description="of the mean absolute difference of driving and warped source")

    @model_validator(mode="after")
    def _learnable(self) -> Self:
        if any(weight < 0 for weight in self.feature_matching):
            raise ValueError("feature_matching has a weight below 0")
        if not self.adversarial and any(self.feature_matching):
            raise ValueError("feature_matching takes its features from the discriminator: adversarial must be above 0")
        if not (self.l1 or self.deformed_l1 or self.adversarial):
            raise ValueError("one of l1, deformed_l1 and adversarial needs a weight above 0")
        return self


class MonkeyNetConfiguration(ExperimentConfiguration):
    """A Monkey-Net variant."""

    model: MonkeyNetModel
    discriminator: DiscriminatorConfiguration = DiscriminatorConfiguration()
    loss: MonkeyNetLoss = MonkeyNetLoss()
    optimiser: AdversarialOptimiser = AdversarialOptimiser()

    @model_validator(mode="after")
    def _discriminator_fits(self) -> Self:
        if not self.loss.adversarial:
            return self
        blocks = self.discriminator.blocks
        if len(self.loss.feature_matching) not in (0, blocks):
            raise ValueError(
                f"loss.feature_matching has {len(self.loss.feature_matching)} weights for a discriminator of "
                f"{blocks} blocks: give one for each, or none"
            )
        smallest = self.discriminator.smallest_size()
        if self.model.size < smallest:
            raise ValueError(
                f"a discriminator of {blocks} blocks needs frames of {smallest} pixels, not {self.model.size}: take "
                "fewer blocks, or loss.adversarial=0 and loss.feature_matching=[]"
            )
        return self
