"""What can be configured of FOMM: the networks, the losses and the optimisers."""

from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdversarialOptimiser,
    AdversarialWeights,
    GeneratorConfiguration,
    HeatmapConfiguration,
    HourglassConfiguration,
    MotionEvolutionConfiguration,
    PatchDiscriminatorConfiguration,
    TransformationConfiguration,
    check_halvable,
)
from lia_bench.models.training.configuration import ExperimentConfiguration


class KeypointDetectorConfiguration(HeatmapConfiguration):
    """Where keypoints and their Jacobians come from."""

    single_jacobian_map: bool = Field(False, description="one Jacobian map for all keypoints, not one each")


class FommModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    keypoints: int = Field(gt=0)
    align_corners: bool = Field(
        False,
        description="how coordinates are read when sampling: False as PyTorch since 1.3; True for weights that were "
        "trained on older versions, as those their authors published presumably were",
    )
    estimate_jacobian: bool = Field(
        True, description="keypoints carry local affine motions; False moves their surroundings without turning them"
    )
    estimate_occlusion_map: bool = Field(
        True, description="features that the source hides are masked; False paints on what was warped"
    )
    motion_evolution: MotionEvolutionConfiguration | None = Field(
        None, description="SADE's differential equation, which refines the flow; null: the blended flow is the motion"
    )
    keypoint_detector: KeypointDetectorConfiguration
    dense_motion: HourglassConfiguration
    generator: GeneratorConfiguration

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        steps = (self.keypoint_detector.size_step(), self.dense_motion.size_step())
        check_halvable(self.size, 2**self.generator.down_blocks, *steps)
        self.keypoint_detector.check_heatmaps_fit(self.size, "keypoint detector")
        return self


class DiscriminatorConfiguration(PatchDiscriminatorConfiguration):
    """The discriminator, and what it sees."""

    keypoint_heatmaps: bool = Field(False, description="sees the driving keypoints as heatmaps beside the image")


class FommLoss(AdversarialWeights):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    equivariance_value: float = Field(10.0, ge=0)
    equivariance_jacobian: float = Field(10.0, ge=0)
    transformation: TransformationConfiguration = TransformationConfiguration()


class FommConfiguration(ExperimentConfiguration):
    """A FOMM variant."""

    model: FommModel
    discriminator: DiscriminatorConfiguration = DiscriminatorConfiguration()
    loss: FommLoss = FommLoss()
    optimiser: AdversarialOptimiser = AdversarialOptimiser()

    @model_validator(mode="after")
    def _discriminator_fits(self) -> Self:
        if self.loss.adversarial:
            self.discriminator.check_fits(self.model.size)
        return self
