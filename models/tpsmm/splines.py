"""Keypoints in groups, the thin-plate splines through them, and the background's motion (TPSMM section 3.1)."""

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.equivariance import EuclideanKernel
from lia_bench.models.blocks.small_tensors import apply
from lia_bench.models.blocks.warping import coordinate_grid
from lia_bench.models.tpsmm.configuration import ResidualEncoderConfiguration

KEYPOINTS_PER_SPLINE = 5


class KeypointDetector(nn.Module):
    """A ResNet that puts out positions, without heatmaps (TPSMM section 3.1)."""

    def __init__(self, configuration: ResidualEncoderConfiguration, splines: int) -> None:
        super().__init__()
        self.encoder = _residual_network(configuration, channels=3, outputs=splines * KEYPOINTS_PER_SPLINE * 2)

    def forward(self, image: Tensor) -> Tensor:
        """Keypoints (B, 5 * splines, 2), x, y in (-1, 1), of images (B, 3, H, W) in [0, 1]; five a spline in turn."""
        position: Tensor = 2 * torch.sigmoid(self.encoder(image).float()) - 1
        return position.reshape(image.shape[0], -1, 2)


class BackgroundPredictor(nn.Module):
    """A ResNet that sees two frames and puts out an affine map between their backgrounds (TPSMM equation 4)."""

    last_row: Tensor

    def __init__(self, configuration: ResidualEncoderConfiguration) -> None:
        super().__init__()
        self.encoder = _residual_network(configuration, channels=6, outputs=6)
        # Training begins with a background that stands still.
        nn.init.zeros_(self.encoder.get_parameter("fc.weight"))
        with torch.no_grad():
            self.encoder.get_parameter("fc.bias").copy_(torch.eye(2, 3).flatten())
        self.register_buffer("last_row", torch.tensor([[[0.0, 0.0, 1.0]]]), persistent=False)

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Matrices (B, 3, 3), last row 0 0 1, from driving to source x, y in [-1, 1]; frames (B, 3, H, W) in [0, 1]."""
        affine = self.encoder(torch.cat((source, driving), dim=1)).float().reshape(-1, 2, 3)
        return torch.cat((affine, self.last_row.expand(affine.shape[0], 1, 3)), dim=1)


def _residual_network(configuration: ResidualEncoderConfiguration, channels: int, outputs: int) -> nn.Module:
    """torchvision's ResNet for images of `channels`, with fresh weights."""
    from torchvision.models.resnet import BasicBlock, ResNet

    network: nn.Module = ResNet(BasicBlock, list(configuration.stages), num_classes=outputs)
    if channels != 3:
        network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return network


# Added along the whole diagonal, the affine part's zeros too: any keypoints then span a spline, nearly through them.
RIDGE = 0.01
KERNEL = EuclideanKernel()


def spline_motions(source: Tensor, driving: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of the driving frame comes from, by each spline alone: (B, S, height, width, 2).

    The spline through N driving keypoints p with targets q, the source's, is
    T(z) = A z + t + sum_i w_i U(z - p_i), with (w, A, t) from L (w, A, t) = (q, 0) (TPSMM equations 2 and 3).

    Args:
        source: (B, S, N, 2), x, y in [-1, 1], for each of S splines.
        driving: of that shape; these are the control points.
    """
    bends, affine = spline_parameters(source.float(), driving.float())
    grid = coordinate_grid(height, width, like=bends)
    offsets = grid - driving.float()[:, :, :, None, None]
    weights = KERNEL.value(offsets[..., 0], offsets[..., 1])
    bent = (weights[..., None] * bends[:, :, :, None, None]).sum(dim=2)
    return apply(affine[:, :, None, None, :2].mT, grid) + affine[:, :, None, None, 2] + bent


def spline_parameters(source: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
    """The bends w (B, S, N, 2) and the rows of A^T and t, (B, S, 3, 2), for keypoints (B, S, N, 2) each."""
    between = driving[..., :, None, :] - driving[..., None, :, :]
    bending = KERNEL.value(between[..., 0], between[..., 1])
    count = driving.shape[-2]
    plane = torch.cat((driving, torch.ones_like(driving[..., :1])), dim=-1)
    upper = torch.cat((bending, plane), dim=-1)
    lower = torch.cat((plane.mT, plane.new_zeros(*plane.shape[:-2], 3, 3)), dim=-1)
    system = torch.cat((upper, lower), dim=-2)
    system = system + RIDGE * torch.eye(count + 3, dtype=system.dtype, device=system.device)
    targets = torch.cat((source, source.new_zeros(*source.shape[:-2], 3, 2)), dim=-2)
    # Unlike `solve` this asks for no answer from a GPU; the system is regular.
    solved, _ = torch.linalg.solve_ex(system, targets)
    return solved[..., :count, :], solved[..., count:, :]
