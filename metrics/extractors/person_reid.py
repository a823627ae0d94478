"""Features of whole frames by a person re-identification network, for AED and CSIM of bodies.

The published evaluation (pose-evaluation, extract.py) divides the frame by 255 a second time after it is in [0, 1], and
leaves the network in training mode, so that each layer normalises a frame by the frame's own mean and variance.
The protocol `literature` does both; `strict` does neither and scales the features to unit length. That script names a
copy of the weights at https://yadi.sk/d/jAPhvFEFp6qzIw.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import with_published_weights
from lia_bench.metrics.extractors.extractor import Extractor, ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.specification import Protocol

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "person-reid"
HEIGHT = 288
WIDTH = 144
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

EXTRACTOR = ExtractorSpecification(
    name="person-reid",
    summary="ResNet-50 that tells persons of Market-1501 apart: 2048 pool features of a frame",
    weights=(WEIGHTS_NAME,),
    shape=(2048,),
    build="lia_bench.metrics.extractors.person_reid:open_person_reid",
)


def network_input(frames: "Tensor", protocol: Protocol) -> "Tensor":
    """What the network sees of frames (B, 3, H, W) uint8 RGB: (B, 3, 288, 144) float32.

    The whole frame is scaled by Pillow, bicubically, as in the evaluation that this follows; then come ImageNet's mean
    and deviation. By the protocol `literature` the result is nearly constant, see above. It is on the CPU.
    """
    import torch
    from PIL import Image

    pictures = [Image.fromarray(frame.numpy()) for frame in frames.cpu().permute(0, 2, 3, 1).contiguous()]
    scaled = np.stack([np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) for picture in pictures])
    levels = torch.from_numpy(scaled).permute(0, 3, 1, 2).float() / 255
    if protocol is Protocol.LITERATURE:
        levels = levels / 255
    mean, deviation = (torch.tensor(constants)[:, None, None] for constants in (MEAN, DEVIATION))
    standardised: Tensor = (levels - mean) / deviation
    return standardised


def open_person_reid(setting: ExtractorSetting) -> Extractor:
    """The re-identification network on the setting's device.

    Features (B, 2048), 0 or more, of frames (B, 3, H, W) uint8 RGB; of unit length by the protocol `strict`.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are another network's.
    """
    import torch
    from torch.nn import functional

    from lia_bench.metrics.networks.person_reid import PersonReidNetwork

    literature = setting.protocol is Protocol.LITERATURE
    network = with_published_weights(PersonReidNetwork(), WEIGHTS_NAME, setting.device).train(literature)

    @torch.inference_mode()
    def features(frames: "Tensor") -> NDArray[np.float32]:
        found = network(network_input(frames, setting.protocol).to(setting.device))
        return np.asarray((found if literature else functional.normalize(found)).cpu().numpy())

    return features
