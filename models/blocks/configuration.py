"""The sections of configuration that models share, and the checks of sizes."""

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from lia_bench.core.configuration import Section


def _checked(size: int) -> int:
    if size & (size - 1):
        raise ValueError(f"{size} is no power of two")
    return size


PowerOfTwo = Annotated[int, AfterValidator(_checked)]


def check_halvable(size: int, *multiples: int) -> None:
    """Raise ValueError unless frames of `size` pixels can be halved as often as networks with these steps do."""
    multiple = math.lcm(*multiples)
    if size % multiple:
        raise ValueError(f"size {size} must be a multiple of {multiple}, so that every block can halve it")


class EncoderDecoderConfiguration(Section):
    """Down blocks and as many up blocks."""

    expansion: int = Field(gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    blocks: int = Field(gt=0)


class HourglassConfiguration(EncoderDecoderConfiguration):
    """A network that sees the frame at `scale` through an hourglass."""

    scale: float = Field(gt=0, le=1, description="1, 0.5, 0.25, ...: how much the frame is shrunk first")

    def size_step(self) -> int:
        """What the side of the frames must be a multiple of, so that every block can halve it.

        Raises:
            ValueError: the scale is no whole fraction.
        """
        step = round(1 / self.scale)
        if step * self.scale != 1:
            raise ValueError(f"scale {self.scale} is not 1, 1/2, 1/3, ...")
        multiple: int = step * 2**self.blocks
        return multiple


class HeatmapConfiguration(HourglassConfiguration):
    """An hourglass that draws heatmaps of keypoints or regions."""

    temperature: float = Field(0.1, gt=0, description="divides the heatmap logits")

    def check_heatmaps_fit(self, size: int, network: str) -> None:
        """Raise ValueError where heatmaps of frames of `size` pixels would be too small to draw; `network`: its name.

        A 7x7 convolution without padding loses 3 cells on each side, and a position needs two to lie between.
        """
        if size * self.scale < 8:
            raise ValueError(f"size {size} is too small: the {network} needs 8 pixels after scaling")


class GeneratorConfiguration(Section):
    """What paints the frame."""

    expansion: int = Field(gt=0, description="width at full resolution; every down block doubles it")
    cap: int = Field(gt=0, description="no block is wider")
    down_blocks: int = Field(ge=0)
    residual_blocks: int = Field(ge=0)


class MotionEvolutionConfiguration(Section):
    """SADE's F_E and how its differential equation is solved. [P] From t = 0 to 1, with the adjoint method.

    [A] Three 3x3 convolutions with ReLU see the offsets and the time, no features of the image. The paper names no
    solver. Fixed steps are the default, since an adaptive solver has to take every picture by itself: the steps
    that suit a whole batch would make a frame depend on the frames beside it. No code of the method was published:
    [P] marks what the paper fixes, [A] what is assumed here.
    """

    width: int = Field(64, gt=0, description="[A] channels of the two inner layers")
    solver: Literal["rk4", "dopri5"] = Field(
        "rk4", description="[A] rk4: fixed steps, a whole batch at once; dopri5: adaptive steps, picture by picture"
    )
    step: float = Field(0.25, gt=0, le=1, description="[A] of rk4")
    relative_tolerance: float = Field(1e-3, gt=0, description="[A] of dopri5")
    absolute_tolerance: float = Field(1e-4, gt=0, description="[A] of dopri5, in coordinates from -1 to 1")
    adjoint: bool = Field(
        True,
        description="[P] gradients from an adjoint equation, in memory that does not grow with the steps; "
        "false: through the solver's own steps (discretise, then optimise)",
    )


class VolumeMotionConfiguration(EncoderDecoderConfiguration):
    """The hourglass that blends the motions of keypoints in space; it sees the source volume."""

    compressed: int = Field(gt=0, description="channels of the source volume that it sees")
    kernel: Literal[3, 7] = Field(7, description="side of the convolutions to the masks and to the occlusion map")


class VolumeGeneratorConfiguration(Section):
    """What turns the source into a volume and the warped volume into a frame."""

    expansion: int = Field(gt=0, description="width at full size; doubled each time the size is halved")
    cap: int = Field(gt=0, description="no block before the volume is wider")
    down_blocks: int = Field(
        2, gt=0, description="how often the size is halved before the volume, and doubled after it"
    )
    volume_channels: int = Field(gt=0)
    blocks: int = Field(ge=0, description="residual blocks in the volume; and those of a residual decoder")
    stem_kernel: Literal[3, 7] = Field(3, description="side of the first convolution")


class DisentanglementConfiguration(Section):
    """The network of the transfer mode 'avd'."""

    identity: int = Field(gt=0, description="length of the code of the source's shape")
    pose: int = Field(gt=0, description="length of the code of the driving frame's pose")


def check_batch_of_disentanglement(network: DisentanglementConfiguration | None, batch_size: int) -> None:
    """Raise ValueError where the network, if there is one, would have to normalise over a single row."""
    if network and batch_size < 2:
        raise ValueError(
            "disentanglement normalises over the batch: set data.batch_size=2 or more, or model.disentanglement=null"
        )


class ReconstructionWeights(Section):
    """Weights of what compares frames; a term of weight 0 is not computed, and what only it needs is not loaded."""

    perceptual: float = Field(10.0, ge=0, description="of each of five VGG19 layers at each scale")
    l1: float = Field(0.0, ge=0, description="of the mean absolute difference at each scale")
    scales: tuple[float, ...] = Field((1.0, 0.5, 0.25, 0.125), description="of the pyramid for perceptual and l1")

    def teaches_frames(self) -> bool:
        """Whether any term has a weight by which frames are learned."""
        return bool(self.perceptual or self.l1)

    @model_validator(mode="after")
    def _frames_are_learned(self) -> Self:
        if not self.teaches_frames():
            raise ValueError("without perceptual and l1 no frame is learned: give one of them a weight above 0")
        return self


class AdversarialWeights(ReconstructionWeights):
    """Those weights, and the weights of what a discriminator says of frames."""

    adversarial: float = Field(0.0, ge=0, description="of the discriminator's judgement, and of its own loss")
    feature_matching: float = Field(10.0, ge=0, description="of each block of the discriminator, where there is one")

    def teaches_frames(self) -> bool:
        """Whether any term has a weight by which frames are learned."""
        return super().teaches_frames() or self.adversarial > 0


class TransformationConfiguration(Section):
    """How far the random transformations of the equivariance losses go."""

    affine: float = Field(0.05, ge=0, description="standard deviation of the affine entries")
    spline: float = Field(0.005, ge=0, description="standard deviation of the spline's weights")
    points: int = Field(5, gt=1, description="control points along a side")


class PortraitLoss(AdversarialWeights):
    """Weights; a term of weight 0 is not computed, and what only it needs is not loaded."""

    equivariance: float = Field(10.0, ge=0, description="of x and y of the keypoints")
    keypoint: float = Field(10.0, ge=0, description="of the keypoints' distances and their mean depth")
    head_pose: float = Field(20.0, ge=0, description="of the angles' difference from Hopenet's, per degree")
    expression: float = Field(5.0, ge=0, description="of the size of the expression's offsets")
    transformation: TransformationConfiguration = TransformationConfiguration()


class PatchDiscriminatorConfiguration(Section):
    """The network of the adversarial loss; it exists only where that has a weight."""

    expansion: int = Field(32, gt=0, description="half the width of the first block; every block doubles it")
    cap: int = Field(512, gt=0, description="no block is wider")
    blocks: int = Field(4, gt=0)
    spectral_norm: bool = False

    def smallest_size(self) -> int:
        """Side in pixels of the smallest frame that leaves one score."""
        size = 4
        for _ in range(self.blocks - 1):
            size = 2 * size + 3
        return size

    def check_fits(self, size: int) -> None:
        """Raise ValueError unless frames of `size` pixels leave a score."""
        smallest = self.smallest_size()
        if size < smallest:
            raise ValueError(
                f"a discriminator of {self.blocks} blocks needs frames of {smallest} pixels, "
                f"not {size}: take fewer blocks or loss.adversarial=0"
            )


class AdamConfiguration(Section):
    """Adam for each network: moments, and the epochs after which all rates, which models name, fall to a tenth."""

    betas: tuple[float, float] = (0.5, 0.999)
    milestones: tuple[int, ...] = ()


class KeypointOptimiser(AdamConfiguration):
    """Adam for each network: learning rates, moments, and the epochs after which all rates fall to a tenth."""

    generator: float = Field(2e-4, ge=0)
    keypoint_detector: float = Field(2e-4, ge=0)


class AdversarialOptimiser(KeypointOptimiser):
    """Those settings, and the discriminator's learning rate."""

    discriminator: float = Field(2e-4, ge=0)


class LatentLoss(Section):
    """Weights of the training objective; a term of weight 0 is not computed, nor is the network it needs."""

    l1: float = Field(1.0, ge=0, description="mean absolute difference of images in [-1, 1]")
    perceptual: float = Field(10.0, ge=0, description="of each of five VGG19 layers at four scales")
    adversarial: float = Field(1.0, ge=0)
    r1: float = Field(0.0, ge=0, description="gamma of the discriminator's gradient penalty, every 16 iterations")

    @property
    def scales(self) -> tuple[float, ...]:
        """Of the perceptual loss's pyramid."""
        return (1.0, 0.5, 0.25, 0.125)

    @model_validator(mode="after")
    def _some_term(self) -> Self:
        if not (self.l1 or self.perceptual or self.adversarial):
            raise ValueError("give l1, perceptual or adversarial a weight above 0")
        if self.r1 and not self.adversarial:
            raise ValueError("r1 regularises the discriminator, which is there only with adversarial above 0")
        return self


class LatentOptimiser(Section):
    """Adam; its rate and betas are corrected as StyleGAN2 does for lazy regularisation."""

    learning_rate: float = Field(0.002, gt=0, description="before the factors 4/5 (generator), 16/17 (discriminator)")
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
