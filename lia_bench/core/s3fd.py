"""S3FD, the face detector of the package face-alignment, from a file on this machine."""

from typing import TYPE_CHECKING, Any

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import load_torch_weights
from lia_bench.core.weights import locate

if TYPE_CHECKING:
    import torch


def load_s3fd(device: "torch.device") -> Any:
    """The package's detector, ready for `detect_from_image`; nothing is downloaded.

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
