"""What can be configured of LivePortrait: the networks and what is moved."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdamConfiguration,
    AdversarialWeights,
    PatchDiscriminatorConfiguration,
    TransformationConfiguration,
    VolumeGeneratorConfiguration,
    VolumeMotionConfiguration,
    check_halvable,
)
from lia_bench.models.training.configuration import ExperimentConfiguration

Region = Literal["all", "expression", "pose", "lips", "eyes"]
POINTS_OF_REGIONS = 21


class MotionExtractorConfiguration(Section):
    """ConvNeXt V2: blocks and channels of its four stages."""

    depths: tuple[int, int, int, int] = (3, 3, 9, 3)
    widths: tuple[int, int, int, int] = (96, 192, 384, 768)
    bins: int = Field(66, gt=1, description="of 3 degrees, from -97.5 on")


class GeneratorConfiguration(VolumeGeneratorConfiguration):
    """What turns the source into a volume and the warped volume into a frame."""

    hidden: int = Field(128, gt=0, description="channels that the decoder's SPADE blocks read their scales off")
    upscale: Literal[1, 2] = Field(2, description="side of the frames that come out over that of those that go in")


class MotionConfiguration(Section):
    """What of the driving motion the source takes."""

    stitching: bool | None = Field(
        None, description="move the points so that the shoulders stay; null: in relative transfer alone"
    )
    region: Region = Field("all", description="all, expression, pose, lips or eyes")
    multiplier: float = Field(1.0, description="factor on the movement of the points; 1 is the driving motion itself")
    normalize_lips: bool = Field(
        False, description="in relative transfer, close the source's lips first where they are open"
    )
    eye_retargeting: bool = Field(
        False, description="open the eyes as far as the driver's; in relative transfer instead of the motion"
    )
    lip_retargeting: bool = Field(
        False, description="open the lips as far as the driver's; in relative transfer instead of the motion"
    )

    @property
    def retargets(self) -> bool:
        """Whether eyes or lips follow the driver's opening."""
        return self.eye_retargeting or self.lip_retargeting

    @property
    def looks_at_openings(self) -> bool:
        """Whether it has to be known how far eyes and lips are open."""
        return self.retargets or self.normalize_lips


class LivePortraitModel(Section):
    """The networks."""

    size: int = Field(256, gt=0, description="side in pixels of the frames that go in")
    points: int = Field(21, gt=0)
    depth: int = Field(16, gt=1, description="of all volumes, in voxels")
    motion_extractor: MotionExtractorConfiguration = MotionExtractorConfiguration()
    dense_motion: VolumeMotionConfiguration
    generator: GeneratorConfiguration
    motion: MotionConfiguration = MotionConfiguration()

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        check_halvable(self.size, 32, 2 ** (self.generator.down_blocks + self.dense_motion.blocks))
        return self

    @model_validator(mode="after")
    def _motion_fits(self) -> Self:
        if self.points != POINTS_OF_REGIONS and self.motion.region in ("lips", "eyes"):
            raise ValueError(f"regions are known of {POINTS_OF_REGIONS} points alone, not of {self.points}")
        return self


class LivePortraitLoss(AdversarialWeights):
    """Weights of the first stage; a term of weight 0 is not computed, and what only it needs is not loaded.

    The terms are the paper's; none of its weights was published: these are face-vid2vid's.
    """

    equivariance: float = Field(10.0, ge=0, description="of x and y of the points; not published")
    keypoint: float = Field(10.0, ge=0, description="of the points' distances and their mean depth; not published")
    head_pose: float = Field(
        20.0, ge=0, description="of the angles' difference from Hopenet's, a degree; not published"
    )
    expression: float = Field(5.0, ge=0, description="of the size of the expression's offsets; not published")
    transformation: TransformationConfiguration = TransformationConfiguration()


class LivePortraitOptimiser(AdamConfiguration):
    """Adam for each network."""

    motion_extractor: float = Field(2e-4, ge=0)
    generator: float = Field(2e-4, ge=0)
    discriminator: float = Field(2e-4, ge=0)


class LivePortraitConfiguration(ExperimentConfiguration):
    """A LivePortrait variant."""

    model: LivePortraitModel
    discriminator: PatchDiscriminatorConfiguration = PatchDiscriminatorConfiguration()
    loss: LivePortraitLoss = LivePortraitLoss()
    optimiser: LivePortraitOptimiser = LivePortraitOptimiser()

    @model_validator(mode="after")
    def _discriminator_fits(self) -> Self:
        if self.loss.adversarial:
            self.discriminator.check_fits(self.model.size)
        return self
