"""Inception-v3 pool features of single frames, as the package pytorch-fid 0.3.0 computes them for FID."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import fill_network, load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS_NAME = "inception-fid"
FEATURES = 2048
SIDE = 299
CLASSES = 1008

EXTRACTOR = ExtractorSpecification(
    name="inception",
    summary="Inception-v3 with the weights of the original FID: 2048 pool features of a frame",
    weights=(WEIGHTS_NAME,),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.inception:open_inception",
)


def network_input(frames: "Tensor") -> "Tensor":
    """What the network sees of frames (B, 3, H, W) uint8: (B, 3, 299, 299) float32 in [-1, 1].

    The whole frame is scaled bilinearly, without smoothing before it is made smaller, as pytorch-fid does.
    """
    from torch.nn import functional

    scaled = functional.interpolate(frames.float() / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return scaled * 2 - 1


def fid_inception(state: "dict[str, Tensor]", path: Path) -> "nn.Module":
    """The network of pytorch-fid with `state`, read from `path`: input of `network_input` to (B, 2048).

    Raises:
        CheckpointError: the state is another network's.
    """
    # The package's own InceptionV3 fetches its weights in its constructor, into another cache and unchecked. So only
    # the altered blocks are taken from it and put where it puts them, into torchvision's network: nothing of the
    # package is patched at run time, and a file that does not fit is recognised before anything is computed.
    from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
    from torch import nn
    from torchvision.models import inception_v3

    network: nn.Module = inception_v3(weights=None, num_classes=CLASSES, aux_logits=False, init_weights=False)
    altered = {
        "5b": FIDInceptionA(192, 32),
        "5c": FIDInceptionA(256, 64),
        "5d": FIDInceptionA(288, 64),
        "6b": FIDInceptionC(768, 128),
        "6c": FIDInceptionC(768, 160),
        "6d": FIDInceptionC(768, 160),
        "6e": FIDInceptionC(768, 192),
        "7b": FIDInceptionE_1(1280),
        "7c": FIDInceptionE_2(2048),
    }
    for place, block in altered.items():
        network.set_submodule(f"Mixed_{place}", block, strict=True)
    fill_network(network, state, path)
    network.set_submodule("fc", nn.Identity(), strict=True)
    return network


def _folded(network: "nn.Module") -> "nn.Module":
    """`network`, in evaluation mode, with each normalisation in the weights of the convolution before it."""
    from torch import nn
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torchvision.models.inception import BasicConv2d

    for block in network.modules():
        if isinstance(block, BasicConv2d):
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    return network


def open_inception(setting: ExtractorSetting) -> Extractor:
    """Inception-v3 on the setting's device: features (B, 2048), 0 or more, of frames (B, 3, H, W) uint8 RGB.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are not the published ones.
    """
    import torch

    path = locate(WEIGHTS_NAME)
    network = fid_inception(load_torch_weights(path), path).requires_grad_(False).eval()
    # A tenth of the time would go into normalisations, and a quarter more without channels last.
    network = _folded(network).to(memory_format=torch.channels_last).to(setting.device)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        seen = network_input(frames.to(setting.device)).contiguous(memory_format=torch.channels_last)
        found: NDArray[np.float32] = network(seen).cpu().numpy()
        return found

    return features
