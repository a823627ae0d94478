"""The losses that compare a generated frame with the true one: VGG19 features and absolute differences, on pyramids."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.models.blocks.configuration import ReconstructionWeights
from lia_bench.models.blocks.convolution import ImagePyramid

# Positions in torchvision's vgg19.features after relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.
TAPS = (2, 7, 12, 21, 30)


class Vgg19Features(nn.Module):
    """The five feature maps relu1_1 to relu5_1 of torchvision's VGG19, frozen."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        """`state`: the state dict of torchvision's VGG19 file, keys `features.N.weight` and `.bias`.

        Raises:
            CheckpointError: the state dict is not VGG19's.
        """
        from torchvision.models import vgg19

        super().__init__()
        # Its classifier, four fifths of the whole network, would take seconds to fill and is not used.
        with torch.device("meta"):
            features = vgg19(weights=None).features[: TAPS[-1]]
        own = {
            key.removeprefix("features."): value
            for key, value in state.items()
            if key.startswith("features.") and int(key.split(".")[1]) < TAPS[-1]
        }
        try:
            features.load_state_dict(own, assign=True)
        except RuntimeError as error:
            raise CheckpointError(f"these are not the weights of torchvision's VGG19: {error}") from error
        self.stages = nn.ModuleList(features[start:end] for start, end in pairwise((0, *TAPS)))
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Feature maps of an image (B, 3, H, W) in [0, 1], H and W at least SMALLEST_FOR_VGG19."""
        feature = (image - self.mean) / self.deviation
        maps = []
        for stage in self.stages:
            feature = stage(feature)
            maps.append(feature)
        return maps


def published_vgg19() -> Vgg19Features:
    """VGG19 with the weights that torchvision published, from this machine's weights folder.

    Raises:
        MissingWeightsError: the file is not here; the text says how to get it and how to train without.
    """
    from lia_bench.core.torch_weights import load_torch_weights
    from lia_bench.core.weights import locate

    try:
        path = locate("vgg19")
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{error}; or train without the perceptual loss: --set loss.perceptual=0") from None
    return Vgg19Features(load_torch_weights(path))


class PerceptualLoss(nn.Module):
    """Mean absolute difference of VGG19 features, summed over five layers and all pyramid scales (FOMM eq. 10)."""

    def __init__(
        self,
        features: Vgg19Features,
        scales: Sequence[float],
        weights: Sequence[float],
        to_unit_range: Callable[[Tensor], Tensor],
    ) -> None:
        """`weights`: one a layer. `to_unit_range`: maps a pyramid level to [0, 1], after the pyramid is made."""
        super().__init__()
        self.features = features
        self.pyramid = ImagePyramid(scales)
        self.weights = tuple(weights)
        self.to_unit_range = to_unit_range

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Scalar loss of (B, 3, H, W) images; no gradient flows to `target`."""
        with torch.no_grad():
            targets = [self.features(self.to_unit_range(level)) for level in self.pyramid(target)]
        total = generated.new_zeros(())
        for level, target_maps in zip(self.pyramid(generated), targets, strict=True):
            generated_maps = self.features(self.to_unit_range(level))
            for weight, one, other in zip(self.weights, generated_maps, target_maps, strict=True):
                total = total + weight * F.l1_loss(one, other)
        return total


class PyramidDifference(nn.Module):
    """Mean absolute difference of two images, summed over the scales of a pyramid; for training without VGG19."""

    def __init__(self, scales: Sequence[float]) -> None:
        super().__init__()
        self.pyramid = ImagePyramid(scales)

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        """Scalar, of (B, 3, H, W) images."""
        # The pyramid is linear, so one pyramid of the difference does for both images.
        levels = self.pyramid(generated - target)
        return torch.stack([level.abs().mean() for level in levels]).sum()


class ReconstructionLoss(nn.Module):
    """The perceptual and the absolute difference of frames, those that have a weight."""

    def __init__(self, weights: ReconstructionWeights) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        super().__init__()
        self.weights = weights
        self.perceptual = None
        if weights.perceptual:
            self.perceptual = PerceptualLoss(published_vgg19(), weights.scales, (1.0,) * 5, lambda image: image)
        self.difference = PyramidDifference(weights.scales) if weights.l1 else None

    def forward(self, generated: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Weighted scalars "perceptual" and "l1" of images (B, 3, H, W) in [0, 1]."""
        losses = {}
        if self.perceptual is not None:
            losses["perceptual"] = self.weights.perceptual * self.perceptual(generated, target)
        if self.difference is not None:
            losses["l1"] = self.weights.l1 * self.difference(generated, target)
        return losses
