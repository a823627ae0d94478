"""OpenFace embeddings of whole frames, for AED of faces.

As in the published evaluation (pose-evaluation, extract.py) the frame is neither cropped nor aligned to the face,
although the network is trained on aligned faces.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "openface"
SIDE = 96

EXTRACTOR = ExtractorSpecification(
    name="openface",
    summary="OpenFace nn4.small2.v1, trained on faces of FaceScrub and CASIA: 128 numbers of unit length",
    weights=(WEIGHTS_NAME,),
    shape=(128,),
    build="lia_bench.metrics.extractors.openface:open_openface",
)


def network_input(frames: "Tensor") -> "Tensor":
    """What the network sees of frames (B, 3, H, W) uint8 RGB: (B, 3, 96, 96) float32 BGR in [0, 1].

    The whole frame is scaled bilinearly, without smoothing before it is made smaller, as the scikit-image 0.14 does
    that the script asks for; later versions of that library smooth. A side below 96 differs at the border, where that
    version mixes in black.
    """
    from torch.nn import functional

    scaled = functional.interpolate(frames.float() / 255, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    return scaled.flip(1)


def open_openface(setting: ExtractorSetting) -> Extractor:
    """OpenFace on the setting's device: embeddings (B, 128) of unit length of frames (B, 3, H, W) uint8 RGB.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are another network's.
    """
    import torch

    from lia_bench.metrics.networks.openface import OpenFace

    network = with_published_weights(OpenFace(), WEIGHTS_NAME, setting.device)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found: NDArray[np.float32] = network(network_input(frames.to(setting.device))).cpu().numpy()
        return found

    return features
