"""What can be configured of FOMM: the networks, the losses and the optimisers."""

from typing import Self

from pydantic import Field, model_validator

from lia_bench.core.configuration import Section
from lia_bench.models.training.configuration import ExperimentConfiguration


class HourglassConfiguration(Section):
    """A network that sees the frame at `scale` through an hourglass."""

    expansion: int = Field(gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    blocks: int = Field(gt=0)
    scale: float = Field(gt=0, le=1, description="1, 0.5, 0.25, ...: how much the frame is shrunk first")


class KeypointDetectorConfiguration(HourglassConfiguration):
    """Where keypoints and their Jacobians come from."""

    temperature: float = Field(0.1, gt=0, description="divides the heatmap logits")
    single_jacobian_map: bool = Field(False, description="one Jacobian map for all keypoints, not one each")


class GeneratorConfiguration(Section):
    """What paints the frame."""

    expansion: int = Field(gt=0, description="width at full resolution; every down block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    down_blocks: int = Field(ge=0)
    residual_blocks: int = Field(ge=0)


class FommModel(Section):
    """The networks."""

    size: int = Field(gt=0, description="side of the frames in pixels")
    keypoints: int = Field(gt=0)
    align_corners: bool = Field(
        False,
        description="how coordinates are read when sampling: False as PyTorch since 1.3; True for weights that were "
        "trained on older versions, as those their authors published presumably were",
    )
    keypoint_detector: KeypointDetectorConfiguration
    dense_motion: HourglassConfiguration
    generator: GeneratorConfiguration

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        multiple = 2**self.generator.down_blocks
        for network in (self.keypoint_detector, self.dense_motion):
            step = round(1 / network.scale)
            if step * network.scale != 1:
                raise ValueError(f"scale {network.scale} is not 1, 1/2, 1/3, ...")
            multiple = max(multiple, step * 2**network.blocks)
        if self.size % multiple:
            raise ValueError(f"size {self.size} must be a multiple of {multiple}, so that every block can halve it")
        # The heatmaps lose 3 cells on each side and need two for a position between them.
        if self.size * self.keypoint_detector.scale < 8:
            raise ValueError(f"size {self.size} is too small: the keypoint detector needs 8 pixels after scaling")
        return self


class DiscriminatorConfiguration(Section):
    """The network of the adversarial loss; it exists only where that has a weight."""

    expansion: int = Field(32, gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(512, gt=0, description="no block is wider")
    blocks: int = Field(4, gt=0)
    spectral_norm: bool = False
    keypoint_heatmaps: bool = Field(False, description="sees the driving keypoints as heatmaps beside the image")

    def smallest_size(self) -> int:
        """Side in pixels of the smallest frame that leaves one score."""
        size = 4
        for _ in range(self.blocks - 1):
            size = 2 * size + 3
        return size


class TransformationConfiguration(Section):
    """How far the random transformations of the equivariance losses go."""

    affine: float = Field(0.05, ge=0, description="standard deviation of the affine entries")
    spline: float = Field(0.005, ge=0, description="standard deviation of the spline's weights")
    points: int = Field(5, gt=1, description="control points along a side")


class FommLoss(Section):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    perceptual: float = Field(10.0, ge=0, description="of each of five VGG19 layers at each scale")
    l1: float = Field(0.0, ge=0, description="of the mean absolute difference at each scale")
    equivariance_value: float = Field(10.0, ge=0)
    equivariance_jacobian: float = Field(10.0, ge=0)
    adversarial: float = Field(0.0, ge=0, description="of the discriminator's judgement, and of its own loss")
    feature_matching: float = Field(10.0, ge=0, description="of each block of the discriminator, where there is one")
    scales: tuple[float, ...] = Field((1.0, 0.5, 0.25, 0.125), description="of the pyramid for perceptual and l1")
    transformation: TransformationConfiguration = TransformationConfiguration()


class FommOptimiser(Section):
    """Adam for each network: learning rates, moments, and the epochs after which all rates fall to a tenth."""

    generator: float = Field(2e-4, ge=0)
    keypoint_detector: float = Field(2e-4, ge=0)
    discriminator: float = Field(2e-4, ge=0)
    betas: tuple[float, float] = (0.5, 0.999)
    milestones: tuple[int, ...] = ()


class FommConfiguration(ExperimentConfiguration):
    """A FOMM variant."""

    model: FommModel
    discriminator: DiscriminatorConfiguration = DiscriminatorConfiguration()
    loss: FommLoss = FommLoss()
    optimiser: FommOptimiser = FommOptimiser()

    @model_validator(mode="after")
    def _discriminator_fits(self) -> Self:
        smallest = self.discriminator.smallest_size()
        if self.loss.adversarial and self.model.size < smallest:
            raise ValueError(
                f"a discriminator of {self.discriminator.blocks} blocks needs frames of {smallest} pixels, "
                f"not {self.model.size}: take fewer blocks or loss.adversarial=0"
            )
        return self
