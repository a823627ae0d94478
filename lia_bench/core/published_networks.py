"""Networks that find faces and persons, for detectors and for metrics: S3FD and Keypoint R-CNN."""

from functools import partial
from typing import TYPE_CHECKING, Any

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import load_torch_weights, with_published_weights
from lia_bench.core.weights import locate

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SEEN = 2.0
"""Score, a logit, above which the published procedure for Tai-Chi-HD takes a keypoint for seen."""


class PersonNetwork:
    """Keypoint R-CNN: torchvision's network that finds persons and COCO's seventeen keypoints on them."""

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


def load_s3fd(device: "torch.device") -> Any:
    """S3FD, the face detector of the package face-alignment, ready for `detect_from_image`; nothing is downloaded.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are not the published ones.
    """
    weights = locate("s3fd")
    load_torch_weights(weights)
    from face_alignment.detection.sfd import FaceDetector

    try:
        # The package reads the file onto the device it was saved on, which the published file says is the CPU.
        return FaceDetector(str(device), path_to_detector=str(weights))
    except RuntimeError as error:
        raise CheckpointError(f"{weights}: not the weights of S3FD") from error
