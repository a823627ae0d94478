"""LPIPS: distance of AlexNet features, with the heads that the package `lpips` ships."""

import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError, MissingWeightsError
from lia_bench.core.weights import WEIGHTS, load_torch_weights, locate
from lia_bench.metrics.scorer import FrameScorer, ScoringSetting, UnavailableMetricError
from lia_bench.metrics.specification import MetricSpecification

# Below, the second pooling has nothing left to pool.
SMALLEST_SIDE = 31


class AlexLpips(torch.nn.Module):
    """LPIPS, version 0.1 heads (Zhang et al., CVPR 2018), on the AlexNet backbone that it is given."""

    def __init__(self, backbone: Mapping[str, Tensor]) -> None:
        """`backbone`: state dict of torchvision's AlexNet.

        Raises:
            CheckpointError: the state dict is not AlexNet's.
        """
        super().__init__()
        with warnings.catch_warnings():
            # The package calls torchvision by an argument that is deprecated there.
            warnings.simplefilter("ignore")
            from lpips import LPIPS

            self.distance = LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
        # The package cuts AlexNet's features into slices and keeps the layers' numbers: slice2.3 is features.3.
        own = {key: f"features.{key.split('.', 1)[1]}" for key in self.distance.net.state_dict()}
        try:
            self.distance.net.load_state_dict({key: backbone[theirs] for key, theirs in own.items()})
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(f"these are not the weights of torchvision's AlexNet: {error}") from error
        self.requires_grad_(False)
        self.eval()

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Distances (B,) of images (B, 3, H, W) in [0, 1]."""
        distances: Tensor = self.distance(generated, reference, normalize=True)
        return distances.flatten()


class LpipsScorer(FrameScorer):
    """LPIPS with the AlexNet file of the weights registry, never another backbone."""

    extractor = WEIGHTS["alexnet"].file_name

    def __init__(self, setting: ScoringSetting) -> None:
        """Raises UnavailableMetricError without the AlexNet file, or for frames that it cannot take."""
        if min(setting.height, setting.width) < SMALLEST_SIDE:
            raise UnavailableMetricError(
                f"AlexNet needs sides of at least {SMALLEST_SIDE} pixels: these frames are "
                f"{setting.width}x{setting.height}"
            )
        try:
            path = locate("alexnet")
        except MissingWeightsError as error:
            raise UnavailableMetricError(str(error)) from error
        self._network = AlexLpips(load_torch_weights(path)).to(setting.device)

    def score(self, generated: Tensor, reference: Tensor) -> Mapping[str, Sequence[float]]:
        """LPIPS of each frame."""
        with torch.inference_mode():
            return {"lpips": self._network(generated, reference).double().tolist()}


METRIC = MetricSpecification(
    name="lpips",
    summary="distance of AlexNet features, heads of version 0.1",
    better="lower",
    decimals=4,
    scorer=LpipsScorer,
)
