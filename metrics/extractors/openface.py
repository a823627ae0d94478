"""OpenFace embeddings of whole frames, for AED of faces.

As in the published evaluation (pose-evaluation, extract.py) the frame is neither cropped nor aligned to the face,
although the network is trained on aligned faces.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lia_bench.core.torch_weights import fill_network, load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.networks.openface import FEATURES, OpenFace

WEIGHTS_NAME = "openface"
SIDE = 96

EXTRACTOR = ExtractorSpecification(
    name="openface",
    summary="OpenFace nn4.small2.v1, trained on faces of FaceScrub and CASIA: 128 numbers of unit length",
    weights=(WEIGHTS_NAME,),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.openface:OpenFaceExtractor",
)


def network_input(frames: Tensor) -> Tensor:
    """What the network sees of frames (B, 3, H, W) uint8 RGB: (B, 3, 96, 96) float32 BGR in [0, 1].

    The whole frame is scaled bilinearly, without smoothing before it is made smaller, as the scikit-image 0.14 does
    that the script asks for; later versions of that library smooth. A side below 96 differs at the border, where that
    version mixes in black.
    """
    scaled = functional.interpolate(frames.float() / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return scaled.flip(1)


class OpenFaceExtractor:
    """OpenFace on the setting's device."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        path = locate(WEIGHTS_NAME)
        self._device = setting.device
        network = OpenFace()
        fill_network(network, load_torch_weights(path), path)
        self._network = network.to(setting.device).requires_grad_(False).eval()

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        """Embeddings (B, 128) of unit length of frames (B, 3, H, W) uint8 RGB."""
        embeddings: NDArray[np.float32] = self._network(network_input(frames.to(self._device))).cpu().numpy()
        return embeddings
