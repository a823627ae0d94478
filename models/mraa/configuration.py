"""What can be configured of MRAA: the networks, the losses and the optimisers."""

from typing import Literal, Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdamConfiguration,
    DisentanglementConfiguration,
    GeneratorConfiguration,
    HeatmapConfiguration,
    HourglassConfiguration,
    MotionEvolutionConfiguration,
    ReconstructionWeights,
    TransformationConfiguration,
    check_batch_of_disentanglement,
    check_halvable,
)
from lia_bench.models.training.configuration import ExperimentConfiguration


class RegionPredictorConfiguration(HeatmapConfiguration):
    """Where regions come from."""

    padding: Literal[0, 3] = Field(
        description="of the 7x7 convolution that draws the heatmaps: 3 keeps the border, 0 loses three cells on each "
        "side, and positions still span what is left from -1 to 1",
    )


class BackgroundConfiguration(Section):
    """The network that sees both frames and tells how the background moved."""

    expansion: int = Field(32, gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(1024, gt=0, description="no block is wider")
    blocks: int = Field(5, gt=0)


class MraaModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    regions: int = Field(gt=0)
    region_predictor: RegionPredictorConfiguration
    pixelwise_flow: HourglassConfiguration
    generator: GeneratorConfiguration
    background: BackgroundConfiguration | None = Field(description="null: the background stands still")
    disentanglement: DisentanglementConfiguration | None = Field(
        description="null: no transfer mode 'avd', as in files that were written before that network was trained"
    )
    motion_evolution: MotionEvolutionConfiguration | None = Field(
        None, description="SADE's differential equation, which refines the flow; null: the blended flow is the motion"
    )

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        check_halvable(
            self.size,
            2**self.generator.down_blocks,
            self.region_predictor.size_step(),
            self.pixelwise_flow.size_step(),
            2**self.background.blocks if self.background else 1,
        )
        self.region_predictor.check_heatmaps_fit(self.size, "region predictor")
        return self


class MraaLoss(ReconstructionWeights):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    equivariance_shift: float = Field(10.0, ge=0)
    equivariance_affine: float = Field(10.0, ge=0)
    disentanglement_shift: float = Field(1.0, ge=0)
    disentanglement_affine: float = Field(1.0, ge=0)
    transformation: TransformationConfiguration = TransformationConfiguration()
    axis_scale: float = Field(
        0.25, ge=0, lt=1, description="how far x and y of the pose are stretched before its disentanglement"
    )

    @model_validator(mode="after")
    def _disentanglement_learns(self) -> Self:
        if not (self.disentanglement_shift or self.disentanglement_affine):
            raise ValueError(
                "give disentanglement_shift or disentanglement_affine a weight above 0; "
                "to train without that network set model.disentanglement=null"
            )
        return self


class MraaOptimiser(AdamConfiguration):
    """Adam for each network: learning rates, moments, and the epochs after which all rates fall to a tenth."""

    reconstruction: float = Field(2e-4, gt=0, description="of generator, region predictor and background predictor")
    disentanglement: float = Field(1e-3, gt=0)


class MraaConfiguration(ExperimentConfiguration):
    """An MRAA variant."""

    model: MraaModel
    loss: MraaLoss = MraaLoss()
    optimiser: MraaOptimiser = MraaOptimiser()

    @model_validator(mode="after")
    def _batch_can_be_normalised(self) -> Self:
        check_batch_of_disentanglement(self.model.disentanglement, self.data.batch_size)
        return self
