"""Features of whole frames by a person re-identification network, for AED of bodies.

The published evaluation (pose-evaluation, extract.py) divides the frame by 255 a second time after it is in [0, 1], and
leaves the network in training mode, so that each layer normalises a frame by the frame's own mean and variance.
The protocol `literature` does both; `strict` does neither and scales the features to unit length. That script names a
copy of the weights at https://yadi.sk/d/jAPhvFEFp6qzIw.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from lia_bench.core.torch_weights import fill_network, load_torch_weights
from lia_bench.core.weights import locate
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.networks.person_reid import FEATURES, PersonReidNetwork
from lia_bench.metrics.protocols import Protocol

WEIGHTS_NAME = "person-reid"
HEIGHT = 288
WIDTH = 144
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

EXTRACTOR = ExtractorSpecification(
    name="person-reid",
    summary="ResNet-50 that tells persons of Market-1501 apart: 2048 pool features of a frame",
    weights=(WEIGHTS_NAME,),
    shape=(FEATURES,),
    build="lia_bench.metrics.extractors.person_reid:PersonReid",
)


def network_input(frames: Tensor, protocol: Protocol) -> Tensor:
    """What the network sees of frames (B, 3, H, W) uint8 RGB: (B, 3, 288, 144) float32.

    The whole frame is scaled by Pillow, bicubically, as in the evaluation that this follows; then come ImageNet's mean
    and deviation. By the protocol `literature` the result is nearly constant, see above. It is on the CPU.
    """
    pictures = [Image.fromarray(frame.numpy()) for frame in frames.cpu().permute(0, 2, 3, 1).contiguous()]
    scaled = np.stack([np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) for picture in pictures])
    levels = torch.from_numpy(scaled).permute(0, 3, 1, 2).float() / 255
    if protocol is Protocol.LITERATURE:
        levels = levels / 255
    mean, deviation = (torch.tensor(constants)[:, None, None] for constants in (MEAN, DEVIATION))
    standardised: Tensor = (levels - mean) / deviation
    return standardised


class PersonReid:
    """The re-identification network on the setting's device."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        path = locate(WEIGHTS_NAME)
        self._setting = setting
        network = PersonReidNetwork()
        fill_network(network, load_torch_weights(path), path)
        self._network = network.to(setting.device).requires_grad_(False)
        self._network.train(setting.protocol is Protocol.LITERATURE)

    @torch.inference_mode()
    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        """Features (B, 2048), 0 or more, of frames (B, 3, H, W) uint8 RGB; of unit length by the protocol `strict`."""
        protocol = self._setting.protocol
        found: Tensor = self._network(network_input(frames, protocol).to(self._setting.device))
        if protocol is Protocol.STRICT:
            found = functional.normalize(found)
        features: NDArray[np.float32] = found.cpu().numpy()
        return features
