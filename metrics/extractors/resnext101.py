"""3D ResNeXt-101 features of windows of 16 frames, for video FID.

Video FID is that of G3AN (Wang et al., CVPR 2020), whose authors wrote LIA: preparation of the frames as in their
evaluation (`wyhsirius/g3an-project`), network and weights of Hara, Kataoka and Satoh (CVPR 2018).
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import load_torch_weights_of_training, with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.specification import Protocol

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "resnext-101-kinetics"
WINDOW = 16
SIDE = 112
MEAN = (114.7748, 107.7354, 99.4750)
"""Of ActivityNet, R, G, B in 0..255: the weights' authors' default, though the weights are trained on Kinetics."""

EXTRACTOR = ExtractorSpecification(
    name="resnext101",
    summary="3D ResNeXt-101 trained on Kinetics-400: 2048 pool features of 16 frames",
    weights=(WEIGHTS_NAME,),
    shape=(2048,),
    build="lia_bench.metrics.extractors.resnext101:open_resnext101",
    window=WINDOW,
    windows={Protocol.LITERATURE: "middle", Protocol.STRICT: "all"},
)


def network_input(frames: "Tensor") -> "Tensor":
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 112, 112) float32, 0..255 less the mean.

    The whole frame is scaled by Pillow, as in the evaluation that this follows. The result is on the CPU.
    """
    import torch
    from PIL import Image

    batch, length = frames.shape[:2]
    pictures = [Image.fromarray(frame.numpy()) for frame in frames.cpu().flatten(0, 1).permute(0, 2, 3, 1)]
    scaled = np.stack([np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for picture in pictures])
    windows: Tensor = (torch.from_numpy(scaled) - torch.tensor(MEAN)).unflatten(0, (batch, length))
    return windows.permute(0, 4, 1, 2, 3)


def open_resnext101(setting: ExtractorSetting) -> Extractor:
    """3D ResNeXt-101 on the setting's device: features (B, 2048), 0 or more, of windows (B, 16, 3, H, W) uint8 RGB.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are another network's.
    """
    import torch

    from lia_bench.metrics.networks.resnext3d import ResNeXt3D

    network = with_published_weights(ResNeXt3D(), WEIGHTS_NAME, setting.device, load_torch_weights_of_training)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found: NDArray[np.float32] = network(network_input(frames).to(setting.device)).cpu().numpy()
        return found

    return features
