"""LPIPS: distance of the features of a classifier, with the heads that the package `lpips` ships."""

import warnings
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.definitions import SMALLEST_SIDES_OF_LPIPS
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.specification import ScoringSetting, UnavailableMetricError

Backbone = Literal["alex", "vgg", "squeeze"]

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

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Distances (B,) of images (B, 3, H, W) in [0, 1]."""
        distances: Tensor = self.distance(generated, reference, normalize=True)
        return distances.flatten()


class LPIPS(FrameMetric):
    """Mean distance over frames; the network is shared and not part of the metric's state."""

    def __init__(self, distance: PerceptualDistance) -> None:
        super().__init__()
        self._distance = distance

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        """LPIPS of each frame."""
        distances: Tensor = self._distance(generated, reference)
        return distances


def open_lpips(backbone: Backbone, setting: ScoringSetting) -> Callable[[], LPIPS]:
    """LPIPS on one of the backbones.

    Raises:
        UnavailableMetricError: the frames are too small for it.
        MissingWeightsError: its weights are not here.
        CheckpointError: they are not the published ones.
    """
    smallest = SMALLEST_SIDES_OF_LPIPS[backbone]
    if min(setting.height, setting.width) < smallest:
        raise UnavailableMetricError(
            f"{WEIGHTS_OF[backbone]} needs sides of at least {smallest} pixels: "
            f"these frames are {setting.width}x{setting.height}"
        )
    state = load_torch_weights(locate(WEIGHTS_OF[backbone]))
    distance = PerceptualDistance(backbone, state).to(setting.device)
    return lambda: LPIPS(distance)
