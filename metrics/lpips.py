"""LPIPS: distance of the features of a classifier, with the heads that the package `lpips` ships."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.frame_metric import FrameMetric, OfTrueFrames
from lia_bench.metrics.specification import ScoringSetting

Backbone = Literal["alex", "vgg", "squeeze"]

EPSILON = 1e-10
"""The package's, added to the length of features before they are divided by it."""

WEIGHTS_OF: Mapping[Backbone, str] = {"alex": "alexnet", "vgg": "vgg16", "squeeze": "squeezenet1_1"}


class PerceptualDistance(torch.nn.Module):
    """LPIPS, version 0.1 heads (Zhang et al., CVPR 2018), on the backbone that it is given."""

    def __init__(self, backbone: Backbone, state: Mapping[str, Tensor]) -> None:
        """`state`: state dict of torchvision's AlexNet, VGG16 or SqueezeNet 1.1.

        Raises:
            CheckpointError: the state dict is another network's.
        """
        super().__init__()
        with warnings.catch_warnings():
            # The package calls torchvision by an argument that is deprecated there.
            warnings.simplefilter("ignore")
            from lpips import LPIPS

            self.distance = LPIPS(net=backbone, version="0.1", pnet_rand=True, verbose=False)
        # The package cuts the features into slices and keeps the layers' numbers: slice2.3 is features.3.
        own = {key: f"features.{key.split('.', 1)[1]}" for key in self.distance.net.state_dict()}
        try:
            self.distance.net.load_state_dict({key: state[theirs] for key, theirs in own.items()})
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"these are not the weights of torchvision's {WEIGHTS_OF[backbone]}: {error}"
            ) from error
        self.requires_grad_(False)
        self.eval()
        # Convolutions on a processor are an eighth faster so.
        self.to(memory_format=torch.channels_last)

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Distances (B,) of images (B, 3, H, W) in [0, 1]."""
        return self.between(self.features(generated), self.features(reference))

    def features(self, images: Tensor) -> list[Tensor]:
        """Each layer's features (B, C, h, w) of images (B, 3, H, W) in [0, 1], of length 1 at every place."""
        scaled = self.distance.scaling_layer(2 * images - 1).contiguous(memory_format=torch.channels_last)
        return [
            layer / (layer.square().sum(dim=1, keepdim=True).sqrt() + EPSILON) for layer in self.distance.net(scaled)
        ]

    def between(self, generated: Sequence[Tensor], reference: Sequence[Tensor]) -> Tensor:
        """Distances (B,) of features: of each layer the squared differences, weighted by its head, mean over places."""
        layers = zip(generated, reference, self.distance.lins, strict=True)
        # The head is linear: it weighs the means in place of every place.
        means = [head((mine - true).square().mean(dim=(2, 3), keepdim=True)) for mine, true, head in layers]
        return torch.cat(means, dim=1).sum(dim=1).flatten()


class LPIPS(FrameMetric):
    """Mean distance over frames; the network is shared and not part of the metric's state."""

    def __init__(self, distance: PerceptualDistance, truth: OfTrueFrames[list[Tensor]]) -> None:
        super().__init__()
        self._distance, self.shared = distance, truth

    def score(self, generated: Tensor, reference: list[Tensor]) -> Tensor:
        """LPIPS of each frame; `reference`: features of the true ones."""
        return self._distance.between(self._distance.features(generated), reference)


def open_lpips(backbone: Backbone, setting: ScoringSetting) -> Callable[[], LPIPS]:
    """LPIPS on one of the backbones; all metrics that are made share the true frames' features.

    Raises:
        MissingWeightsError: its weights are not here.
        CheckpointError: they are not the published ones.
    """
    state = load_torch_weights(locate(WEIGHTS_OF[backbone]))
    distance = PerceptualDistance(backbone, state).to(setting.device)
    truth = OfTrueFrames(distance.features)
    return lambda: LPIPS(distance, truth)
