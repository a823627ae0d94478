"""What can be configured of TPSMM: the networks, the losses and the optimisers."""

from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.blocks.configuration import (
    AdamConfiguration,
    DisentanglementConfiguration,
    HourglassConfiguration,
    ReconstructionWeights,
    TransformationConfiguration,
    check_batch_of_disentanglement,
    check_halvable,
)
from lia_bench.models.training.configuration import ExperimentConfiguration


class ResidualEncoderConfiguration(Section):
    """A ResNet of basic blocks that sees the whole frame."""

    stages: tuple[int, int, int, int] = Field((2, 2, 2, 2), description="blocks in each; ResNet-18 has two in each")


class InpaintingConfiguration(Section):
    """What paints the frame; it has an occlusion map for each resolution."""

    expansion: int = Field(gt=0, description="width at full resolution; every down block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    down_blocks: int = Field(gt=0)


class TpsmmModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    splines: int = Field(10, gt=0, description="each is spanned by five keypoints")
    keypoint_detector: ResidualEncoderConfiguration = ResidualEncoderConfiguration()
    dense_motion: HourglassConfiguration
    inpainting: InpaintingConfiguration
    background: ResidualEncoderConfiguration | None = Field(
        ResidualEncoderConfiguration(), description="null: the background stands still in training and reconstruction"
    )
    disentanglement: DisentanglementConfiguration | None = Field(
        description="null: no transfer mode 'avd', as in files that were written before that network was trained"
    )

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        check_halvable(self.size, self.dense_motion.size_step(), 2**self.inpainting.down_blocks)
        return self

    @model_validator(mode="after")
    def _occlusion_maps_fit(self) -> Self:
        doublings = self.doublings()
        if 2**doublings * self.dense_motion.scale != 1:
            raise ValueError(f"dense_motion.scale {self.dense_motion.scale} is not 1, 1/2, 1/4, ...")
        least, most = doublings, doublings + self.dense_motion.blocks
        if not least <= self.inpainting.down_blocks <= most:
            raise ValueError(
                f"inpainting.down_blocks is {self.inpainting.down_blocks}: dense motion at this scale and depth gives "
                f"occlusion maps for {least} to {most}"
            )
        return self

    def doublings(self) -> int:
        """How often dense motion's maps are doubled to the size of the frame."""
        return round(1 / self.dense_motion.scale).bit_length() - 1


class DropoutConfiguration(Section):
    """Leaving out splines in the first epochs, so that each learns to move something (TPSMM section 3.1)."""

    epochs: int = Field(35, ge=0, description="the first ones, in which splines are left out")
    start: float = Field(0.0, ge=0, lt=1, description="chance of a spline to be left out, at the start")
    most: float = Field(0.0, ge=0, lt=1, description="that chance in the end")
    rise: float = Field(10.0, gt=0, description="epochs in which it would rise from 0 to `most`")

    def chance(self, epoch: int) -> float:
        """Chance of a spline to be left out in an epoch, counted from 0."""
        return min(self.start + self.most * epoch / self.rise, self.most) if epoch < self.epochs else 0.0


class TpsmmLoss(ReconstructionWeights):
    """Weights; a term of weight 0 is left out, and what only it needs is not loaded."""

    equivariance_value: float = Field(10.0, ge=0)
    warp: float = Field(10.0, ge=0, description="of warped encoder maps against the driving frame's, each level")
    background: float = Field(10.0, ge=0, description="of there and back being the identity")
    disentanglement: float = Field(
        1.0, gt=0, description="of the network of the transfer mode 'avd'; without it: model.disentanglement=null"
    )
    transformation: TransformationConfiguration = TransformationConfiguration()
    dropout: DropoutConfiguration = DropoutConfiguration()
    background_from: int = Field(0, ge=0, description="first epoch in which the background may move")
    axis_scale: float = Field(0.25, ge=0, lt=1, description="largest random stretch of an axis, for disentanglement")


class TpsmmOptimiser(AdamConfiguration):
    """Adam: learning rates, moments, and the epochs after which all rates fall to a tenth."""

    learning_rate: float = Field(2e-4, ge=0)
    disentanglement: float = Field(1e-3, ge=0, description="learning rate of that network")
    weight_decay: float = Field(1e-4, ge=0, description="not for disentanglement")
    gradient_limit: float = Field(
        10.0, gt=0, description="largest gradient entry of keypoint detector, dense motion and background predictor"
    )


class TpsmmConfiguration(ExperimentConfiguration):
    """A TPSMM variant."""

    model: TpsmmModel
    loss: TpsmmLoss = TpsmmLoss()
    optimiser: TpsmmOptimiser = TpsmmOptimiser()

    @model_validator(mode="after")
    def _batch_can_be_normalised(self) -> Self:
        check_batch_of_disentanglement(self.model.disentanglement, self.data.batch_size)
        return self
