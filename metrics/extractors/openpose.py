"""The 18 joints of a body by OpenPose's network, as in the published evaluation script of AKD and MKR for bodies.

Source of the network: Cao et al., CVPR 2017.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.torch_weights import load_torch_weights, with_published_weights
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.networks.skeleton import (
    JOINTS,
    find_peaks,
    group_into_persons,
    last_of_each_joint,
    most_complete,
)
from lia_bench.metrics.specification import Protocol

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_NAME = "openpose"
SIDES = (184, 368, 552, 736, 920)
"""What the frame's shorter side is scaled to, in pixels: 368, the side in training, times 0.5 to 2.5."""

EXTRACTOR = ExtractorSpecification(
    name="openpose",
    summary="18 joints of a body by OpenPose: VGG-19 and six stages, trained on COCO, five scales and mirrored",
    weights=(WEIGHTS_NAME,),
    shape=(len(JOINTS), 2),
    build="lia_bench.metrics.extractors.openpose:OpenPoseExtractor",
)


class OpenPoseExtractor:
    """An `Extractor` of body joints: ten runs of the network a frame, so slow without a GPU."""

    def __init__(self, setting: ExtractorSetting, sides: Sequence[int] = SIDES) -> None:
        """Load the network.

        Args:
            setting: device and protocol.
            sides: what a frame's shorter side is scaled to, in pixels; other ones than the published give other joints.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are another network's.
        """
        from lia_bench.metrics.networks.openpose import OpenPoseNetwork

        self._setting = setting
        self._sides = sides
        self._network = with_published_weights(OpenPoseNetwork(), WEIGHTS_NAME, setting.device, _bare_keys)

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 18, 2) x, y in whole pixels."""
        import torch

        with torch.inference_mode():
            return np.stack([self._joints(frame) for frame in frames.to(self._setting.device)])

    def _joints(self, frame: "Tensor") -> NDArray[np.float32]:
        from lia_bench.metrics.networks.openpose import maps_of_both_sides

        fields, confidence = maps_of_both_sides(self._network, frame, self._sides)
        peaks = find_peaks(confidence.cpu().numpy())
        if self._setting.protocol is Protocol.LITERATURE:
            return last_of_each_joint(peaks)
        return most_complete(group_into_persons(peaks, fields.cpu().numpy()))


def _bare_keys(path: Path) -> "dict[str, Tensor]":
    # The converted file has bare keys; files that the repository's training left name the network `module`.
    return {key.removeprefix("module."): value for key, value in load_torch_weights(path).items()}
