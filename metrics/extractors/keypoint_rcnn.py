"""Joints of a person by torchvision's Keypoint R-CNN."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.published_networks import SEEN, PersonNetwork
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification

if TYPE_CHECKING:
    from torch import Tensor

JOINTS = 17

EXTRACTOR = ExtractorSpecification(
    name="keypoint-rcnn",
    summary="COCO's 17 joints of a person by torchvision's Keypoint R-CNN",
    weights=("keypointrcnn",),
    shape=(JOINTS, 2),
    build="lia_bench.metrics.extractors.keypoint_rcnn:KeypointRCNNJoints",
    library="torchvision",
)


class KeypointRCNNJoints:
    """An `Extractor` of the joints of the person that the network is surest of."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are not the published ones.
        """
        self._network = PersonNetwork(setting.device)

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, 17, 2) x, y in pixels, in COCO's order; NaN for a joint that is not seen."""
        return np.stack([joints_of_surest(self._network(frame)) for frame in frames])


def joints_of_surest(persons: "dict[str, Tensor]") -> NDArray[np.float32]:
    """Joints of one of the persons that `PersonNetwork` found in a frame.

    Returns:
        (17, 2) float32 x, y in pixels, NaN where the joint's score, a logit, does not exceed `SEEN`.
    """
    if len(persons["scores"]) == 0:
        return np.full((JOINTS, 2), np.nan, dtype=np.float32)
    surest = persons["scores"].argmax()
    hidden = persons["keypoints_scores"][surest] <= SEEN
    places = persons["keypoints"][surest, :, :2].float().masked_fill(hidden[:, None], np.nan)
    return np.asarray(places.numpy())
