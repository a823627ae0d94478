"""What can be configured of face-vid2vid: the networks, the losses and the optimisers."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdversarialOptimiser,
    HeatmapConfiguration,
    PatchDiscriminatorConfiguration,
    PortraitLoss,
    VolumeGeneratorConfiguration,
    VolumeMotionConfiguration,
    check_halvable,
)
from lia_bench.models.training.configuration import ExperimentConfiguration

Angle = Literal["yaw", "pitch", "roll"]


class KeypointDetectorConfiguration(HeatmapConfiguration):
    """Where canonical keypoints come from."""


class HeadPoseConfiguration(Section):
    """The residual network that reads angles, translation and expression."""

    expansion: int = Field(gt=0, multiple_of=4, description="width after the first convolution, a quarter of the next")
    cap: int = Field(gt=0, multiple_of=4, description="no stage is wider")
    bins: int = Field(66, gt=1, description="of 3 degrees, from -99 on")


class GeneratorConfiguration(VolumeGeneratorConfiguration):
    """What turns the source into a volume and the warped volume into a frame."""

    stem_kernel: Literal[3, 7] = Field(description="side of the first convolution")
    decoder: Literal["spade", "residual"]


class ViewConfiguration(Section):
    """Angles in degrees for the transfer mode free_view; null keeps the driving frame's.

    The re-implementation's authors advise up to 45 of yaw, and 20 of pitch and roll.
    """

    yaw: float | None = Field(None, ge=-90, le=90)
    pitch: float | None = Field(None, ge=-90, le=90)
    roll: float | None = Field(None, ge=-90, le=90)

    def given(self) -> dict[str, float]:
        """The angles that are not null."""
        return self.model_dump(exclude_none=True)


class FvvModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    keypoints: int = Field(gt=0)
    depth: int = Field(gt=1, description="of all volumes, in voxels")
    axes: tuple[Angle, Angle, Angle] = Field(
        ("pitch", "yaw", "roll"),
        description="the angles that turn about x, y and z; the first published weights know another order",
    )
    view: ViewConfiguration = ViewConfiguration()
    keypoint_detector: KeypointDetectorConfiguration
    head_pose: HeadPoseConfiguration
    dense_motion: VolumeMotionConfiguration
    generator: GeneratorConfiguration

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        inner = 2 ** (self.generator.down_blocks + self.dense_motion.blocks)
        check_halvable(self.size, self.keypoint_detector.size_step(), inner)
        return self

    @model_validator(mode="after")
    def _axes_differ(self) -> Self:
        if len(set(self.axes)) < len(self.axes):
            raise ValueError("axes names each of yaw, pitch and roll once")
        return self


class FvvOptimiser(AdversarialOptimiser):
    """Those settings, and the pose estimator's learning rate."""

    pose_estimator: float = Field(2e-4, ge=0)


class FvvConfiguration(ExperimentConfiguration):
    """A face-vid2vid variant."""

    model: FvvModel
    discriminator: PatchDiscriminatorConfiguration = PatchDiscriminatorConfiguration()
    loss: PortraitLoss = PortraitLoss()
    optimiser: FvvOptimiser = FvvOptimiser()

    @model_validator(mode="after")
    def _discriminator_fits(self) -> Self:
        if self.loss.adversarial:
            self.discriminator.check_fits(self.model.size)
        return self
