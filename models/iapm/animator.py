"""IAPM as a model of the zoo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from torch import Tensor

from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.motion_marks import record_masks
from lia_bench.models.iapm.configuration import IapmModel
from lia_bench.models.iapm.networks import Generator, MaskGenerator, perturbed_for_testing


@dataclass(frozen=True)
class EncodedSource:
    """A source frame at both sizes and its mask, batch size 1; and whether driving masks paint as they are seen."""

    frame: Tensor
    small: Tensor
    mask: Tensor
    as_seen: bool


class DrivingMasks(NamedTuple):
    """Masks of driving frames, each (B, 1, h, w) in [0, 1]: one as the mask generator sees it, and what becomes of it.

    An ablation leaves a stage out: its mask is then that of the stage before.
    """

    seen: Tensor
    perturbed: Tensor
    refined: Tensor


class IapmAnimator(SizedAnimator):
    """Mask generator and generator.

    Transfer modes: "absolute" takes the driving frame's mask, perturbed so that it tells less of the driving subject
    and refined so that it fits the source's; "reconstruction" takes it as it is, as the authors' code does where source
    and driving frame show one subject.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "reconstruction")
    staged: ClassVar[bool] = True

    def __init__(self, configuration: IapmModel) -> None:
        super().__init__(configuration.size)
        self.threshold = configuration.threshold
        self.perturbation = configuration.perturbation
        self.mask_generator = MaskGenerator(configuration)
        self.generator = Generator(configuration)
        self.lay_out_channels_last()

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedSource:
        """The source with its mask; every driving frame stands alone."""
        as_seen = transfer == "reconstruction"
        return EncodedSource(source, self.generator.shrunk(source), self.mask_generator(source), as_seen)

    def render(self, encoded: EncodedSource, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        source = self._repeated(encoded, driving.shape[0])
        if encoded.as_seen:
            seen = mask = self.mask_generator(driving)
        else:
            seen, _, mask = self._masks(source, driving)
        record_masks(mask, source=encoded.mask, driving=seen)
        return self.generator.paint(source.frame, source.small, source.mask, mask).fine

    def stages(self, source: Tensor, driving: Tensor) -> Mapping[str, Tensor]:
        """As the base class has it: the masks, and the coarse frame (the paper's figure 3)."""
        encoded = self._repeated(self.encode_source(source, driving[:1], "absolute"), driving.shape[0])
        masks = self._masks(encoded, driving)
        painted = self.generator.paint(encoded.frame, encoded.small, encoded.mask, masks.refined)
        return {
            "source mask": encoded.mask,
            "driving mask": masks.seen,
            "perturbed": masks.perturbed,
            "refined": masks.refined,
            "coarse frame": painted.coarse,
            "frame": painted.fine,
        }

    def _masks(self, source: EncodedSource, driving: Tensor) -> DrivingMasks:
        """Of driving frames (B, 3, H, W), for a source that is there B times."""
        seen = self.mask_generator(driving)
        perturbed = perturbed_for_testing(seen, self.threshold) if self.perturbation else seen
        refine = self.generator.refinement
        return DrivingMasks(seen, perturbed, refine(source.small, source.mask, perturbed) if refine else perturbed)

    def _repeated(self, encoded: EncodedSource, count: int) -> EncodedSource:
        frame, small, mask = (value.expand(count, -1, -1, -1) for value in (encoded.frame, encoded.small, encoded.mask))
        return EncodedSource(frame, small, mask, encoded.as_seen)
