"""What can be configured of LivePortrait: the networks and what is moved."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdamConfiguration,
    PatchDiscriminatorConfiguration,
    PortraitLoss,
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
    keep_eyes: bool = Field(
        False, description="of a source video: keep its eyes as open as they are in its first frame"
    )
    openings: Literal["mediapipe", "authors"] = Field(
        "mediapipe", description="whose landmarks say how far eyes and lips are open; 'authors' is their landmark.onnx"
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


class RegionLoss(Section):
    """Weights of what compares a part of the face, cut out of both frames; where both are 0 nothing is cut."""

    perceptual: float = Field(0.0, ge=0, description="of each of five VGG19 layers at each scale; not published")
    adversarial: float = Field(0.0, ge=0, description="of a discriminator of that part alone; not published")
    feature_matching: float = Field(10.0, ge=0, description="of each block of that discriminator; not published")
    side: int = Field(64, ge=16, description="pixels that the part is brought to; not published")
    margin: float = Field(0.2, ge=0, description="around the landmarks, of their larger extent; not published")

    @property
    def looks(self) -> bool:
        """Whether any term has a weight."""
        return bool(self.perceptual or self.adversarial)


class WingConfiguration(Section):
    """Shape of the Wing loss, in pixels of a frame of 256: logarithmic below `width`, linear beyond."""

    width: float = Field(10.0, gt=0, description="not published; that of the Wing loss's paper")
    curvature: float = Field(2.0, gt=0, description="not published; that of the Wing loss's paper")


class LivePortraitLoss(PortraitLoss):
    """Weights of the first stage; a term of weight 0 is not computed, and what only it needs is not loaded.

    The terms are the paper's; none of its weights was published. Where face-vid2vid has the term, the default is its.
    """

    landmarks: float = Field(
        0.0, ge=0, description="of ten points' distance from MediaPipe's of eyes and lips; not published"
    )
    identity: float = Field(0.0, ge=0, description="of 1 - cosine of ArcFace's embeddings; not published")
    face: RegionLoss = RegionLoss()
    lips: RegionLoss = RegionLoss(side=32)
    wing: WingConfiguration = WingConfiguration()

    def regions(self) -> dict[str, RegionLoss]:
        """The parts of the face that are compared by themselves, by name."""
        return {name: region for name, region in (("face", self.face), ("lips", self.lips)) if region.looks}

    @property
    def looks_at_landmarks(self) -> bool:
        """Whether any term needs to know where the face is."""
        return bool(self.landmarks or self.identity or self.regions())


class RetargetingLoss(Section):
    """Weights of the second stage; none was published."""

    reconstruction: float = Field(
        1.0, gt=0, description="of what has to stay as it is: shoulders, all but eyes or lips"
    )
    condition: float = Field(1.0, ge=0, description="of the opening's difference from the one that is asked for")
    regularisation: float = Field(0.1, ge=0, description="of the offsets' size")
    widest_eyes: float = Field(0.8, gt=0, description="openings of eyes are drawn from 0 to this, as the paper says")
    widest_lips: float = Field(0.8, gt=0, description="openings of lips are drawn from 0 to this")


class SecondStageConfiguration(Section):
    """Stitching and retargeting networks trained on base networks that stay as they are."""

    base: str = Field(description="checkpoint of the first stage: a run, a checkpoint folder or the published folder")
    loss: RetargetingLoss = RetargetingLoss()
    learning_rate: float = Field(2e-4, gt=0, description="of Adam, for each of the networks; not published")


class LivePortraitOptimiser(AdamConfiguration):
    """Adam for each network; `discriminator` is the rate of those of face and lips as well."""

    motion_extractor: float = Field(2e-4, ge=0)
    generator: float = Field(2e-4, ge=0)
    discriminator: float = Field(2e-4, ge=0)


class LivePortraitConfiguration(ExperimentConfiguration):
    """A LivePortrait variant; with `second_stage` its base networks stand still, and `loss` is not looked at."""

    model: LivePortraitModel
    discriminator: PatchDiscriminatorConfiguration = PatchDiscriminatorConfiguration()
    loss: LivePortraitLoss = LivePortraitLoss()
    optimiser: LivePortraitOptimiser = LivePortraitOptimiser()
    second_stage: SecondStageConfiguration | None = None

    @property
    def compared_size(self) -> int:
        """Side in pixels of the frames that come out."""
        return self.model.size * self.model.generator.upscale

    def check_perceptual_loss(self) -> None:
        """As of all models, where `loss` is looked at."""
        if self.second_stage is None:
            super().check_perceptual_loss()

    @model_validator(mode="after")
    def _discriminators_fit(self) -> Self:
        if self.loss.adversarial:
            self.discriminator.check_fits(self.model.size)
        for region in self.loss.regions().values():
            if region.adversarial:
                self.discriminator.check_fits(region.side)
        return self

    @model_validator(mode="after")
    def _points_are_known(self) -> Self:
        if self.loss.landmarks and self.model.points != POINTS_OF_REGIONS:
            raise ValueError(f"landmarks are known of {POINTS_OF_REGIONS} points alone: set loss.landmarks=0")
        return self

    @model_validator(mode="after")
    def _others_drive(self) -> Self:
        if self.second_stage and self.data.batch_size // self.data.accumulate < 2:
            raise ValueError("stitching is learned from other clips of the batch: set data.batch_size=2 or more")
        return self
