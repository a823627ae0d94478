"""3D ResNeXt-101 features of windows of 16 frames, for video FID.

Video FID is that of G3AN (Wang et al., CVPR 2020), whose authors wrote LIA: preparation of the frames as in their
evaluation (`wyhsirius/g3an-project`), network and weights of Hara, Kataoka and Satoh (CVPR 2018).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lia_bench.core.torch_weights import fill_network, load_torch_weights_of_training
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.networks.resnext3d import FEATURES, ResNeXt3D
from lia_bench.metrics.protocols import Protocol

WEIGHTS_NAME = "resnext-101-kinetics"
WINDOW = 16
SIDE = 112
MEAN = (114.7748, 107.7354, 99.4750)
"""Of ActivityNet, R, G, B in 0..255: the weights' authors' default, though the weights are trained on Kinetics."""

EXTRACTOR = ExtractorSpecification(
    name="resnext101",
    summary="3D ResNeXt-101 trained on Kinetics-400: 2048 pool features of 16 frames",
    weights=(WEIGHTS_NAME,),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.resnext101:ResNeXtExtractor",
    window=WINDOW,
    windows={Protocol.LITERATURE: "middle", Protocol.STRICT: "all"},
)


def network_input(frames: Tensor) -> Tensor:
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 112, 112) float32, 0..255 less the mean.

    The whole frame is scaled by Pillow, as in the evaluation that this follows. The result is on the CPU.
    """
    batch, length = frames.shape[:2]
    pictures = [Image.fromarray(frame.numpy()) for frame in frames.cpu().flatten(0, 1).permute(0, 2, 3, 1)]
    scaled = np.stack([np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for picture in pictures])
    windows: Tensor = (torch.from_numpy(scaled) - torch.tensor(MEAN)).unflatten(0, (batch, length))
    return windows.permute(0, 4, 1, 2, 3)


class ResNeXtExtractor:
    """3D ResNeXt-101 on the setting's device."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        path = locate(WEIGHTS_NAME)
        self._device = setting.device
        network = ResNeXt3D()
        fill_network(network, load_torch_weights_of_training(path), path)
        self._network = network.to(setting.device).requires_grad_(False).eval()

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        """Features (B, 2048), 0 or more, of windows (B, 16, 3, H, W) uint8 RGB."""
        features: NDArray[np.float32] = self._network(network_input(frames).to(self._device)).cpu().numpy()
        return features
