"""What can be configured of SADE: the networks, the losses and the optimisers.

No code of the method was published. [P] marks what the paper fixes, [A] what is assumed here; a default without a
mark is [A] too.
"""

from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    GeneratorConfiguration,
    HeatmapConfiguration,
    HourglassConfiguration,
    KeypointOptimiser,
    MotionEvolutionConfiguration,
    ReconstructionWeights,
    TransformationConfiguration,
    check_halvable,
)
from lia_bench.models.training.configuration import DataConfiguration, ExperimentConfiguration


class KeypointDetectorConfiguration(HeatmapConfiguration):
    """F_K. [P] An encoder-decoder; [A] FOMM's with its temperature, without Jacobians."""


class SelfAppearanceConfiguration(Section):
    """F_A. [P] An encoder-decoder that predicts a flow; [A] an hourglass on the warped features."""

    expansion: int = Field(64, gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(512, gt=0, description="no block is wider")
    blocks: int = Field(3, gt=0)


class SadeModel(Section):
    """The networks. [P] The parts and what they exchange; [A] all of their shapes."""

    size: int = Field(gt=0, description="[P] 256: side of the frames in pixels")
    keypoints: int = Field(10, gt=0, description="[A] the paper gives no number")
    keypoint_detector: KeypointDetectorConfiguration
    coarse_motion: HourglassConfiguration
    motion_evolution: MotionEvolutionConfiguration | None = Field(
        MotionEvolutionConfiguration(), description="null: the coarse motion is the motion (table 3)"
    )
    self_appearance: SelfAppearanceConfiguration | None = Field(
        SelfAppearanceConfiguration(), description="null: motion-warped features alone are decoded (table 3)"
    )
    generator: GeneratorConfiguration

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        steps = (self.keypoint_detector.size_step(), self.coarse_motion.size_step())
        halvings = self.self_appearance.blocks if self.self_appearance else 0
        check_halvable(self.size, 2 ** (self.generator.down_blocks + halvings), *steps)
        self.keypoint_detector.check_heatmaps_fit(self.size, "keypoint detector")
        return self


class SadeData(DataConfiguration):
    """Frame pairs with references. [A] All are different frames of one clip, as far as it has so many."""

    references: int = Field(3, ge=0, description="[P] further views of the subject, chosen at random")


class SadeLoss(ReconstructionWeights):
    """[P] The perceptual loss, and the equivariance of keypoints; [A] their weights. The l1 term is not the paper's."""

    equivariance: float = Field(10.0, ge=0, description="[A] the paper's lambda")
    transformation: TransformationConfiguration = TransformationConfiguration()


class SadeConfiguration(ExperimentConfiguration):
    """A SADE variant."""

    model: SadeModel
    data: SadeData
    loss: SadeLoss = SadeLoss()
    # [A] As FOMM's.
    optimiser: KeypointOptimiser = KeypointOptimiser()

    @property
    def references(self) -> int:
        """Frames of the clip that a training step sees beside source and driving."""
        return self.data.references
