"""Keypoint R-CNN: torchvision's network that finds persons and COCO's seventeen keypoints on them."""

from functools import partial
from typing import TYPE_CHECKING, Any

from lia_bench.core.torch_weights import with_published_weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SEEN = 2.0
"""Score, a logit, above which the published procedure for Tai-Chi-HD takes a keypoint for seen."""


class PersonNetwork:
    """The published network, loaded and ready."""

    def __init__(self, device: "torch.device") -> None:
        """Load the network.

        Raises:
            MissingWeightsError: the weights are not here.
            CheckpointError: they are not the published ones.
        """
        self._device = device
        self._network = with_published_weights(_build(), "keypointrcnn", device)

    def __call__(self, frame: "Tensor") -> "dict[str, Tensor]":
        """The persons in one frame, on the CPU.

        One frame a call, since images of a batch are padded to the largest.

        Args:
            frame: uint8 RGB, (3, H, W).

        Returns:
            `boxes` (N, 4) left, top, right, bottom in pixels of the frame; `scores` (N,) in [0, 1]; `keypoints`
            (N, 17, 3) x, y in pixels and a constant; `keypoints_scores` (N, 17) logits.
        """
        import torch

        with torch.inference_mode():
            found = self._network([frame.to(self._device).float().div(255)])[0]
        return {name: values.cpu() for name, values in found.items()}


def _build() -> Any:
    from torchvision.models.detection import KeypointRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops.misc import FrozenBatchNorm2d

    # The published weights were trained with frozen normalisation that adds nothing to the variance; torchvision's own
    # builder makes such a network only when it downloads the weights itself.
    normalisation = partial(FrozenBatchNorm2d, eps=0.0)
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=normalisation)
    return KeypointRCNN(backbone, num_classes=2, num_keypoints=17)
