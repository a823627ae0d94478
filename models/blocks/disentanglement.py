"""Animation via disentanglement: one subject's shape in another's pose, told apart by a small network (MRAA, TPSMM)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.device_copies import on_device_of

HIDDEN = (256, 512, 1024)


class DisentanglementNetwork(nn.Module):
    """Encodes the identity of one set of keypoints and the pose of another, and decodes keypoints with both.

    MRAA section 3.5. Keypoints are flat vectors; what their entries mean is the caller's matter.
    """

    def __init__(self, values: int, identity: int, pose: int) -> None:
        """`values`: length of the flat keypoints. `identity`, `pose`: lengths of the two codes."""
        super().__init__()
        self.identity_encoder = _perceptron(values, *HIDDEN, identity)
        self.pose_encoder = _perceptron(values, *HIDDEN, pose)
        self.decoder = _perceptron(pose + identity, *reversed(HIDDEN), values)

    def forward(self, identity: Tensor, pose: Tensor) -> Tensor:
        """Keypoints (B, values) with the identity of the first and the pose of the second, each (B, values).

        In training a batch must have two rows at least, for its norms.
        """
        codes = torch.cat((self.pose_encoder(pose), self.identity_encoder(identity)), dim=1)
        moved: Tensor = self.decoder(codes)
        return moved


def random_axis_scale(like: Tensor, strength: float) -> Tensor:
    """(B, 1, 2): for each row of `like` (B, ...) a factor for x and one for y, uniform in 1 -/+ `strength`.

    Another body of the same pose, to learn from. Drawn on the CPU, so that a seed gives the same on every device.
    """
    scale = 1 + strength * (2 * torch.rand(like.shape[0], 1, 2) - 1)
    return on_device_of(scale, like)


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths, with batch norm and ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-2])
