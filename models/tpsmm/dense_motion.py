"""From groups of keypoints to thin-plate splines, and from their motions to one dense flow (TPSMM section 3.1).

With the background's motion, and occlusion maps at every resolution (section 3.2).
"""

from functools import partial
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import (
    AFFINE_INSTANCE_NORM,
    AntiAliasDownsample,
    Convolution,
    DownBlock,
    UpBlock,
    convolve_together,
)
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE, with_background
from lia_bench.models.blocks.equivariance import EuclideanKernel
from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.keypoints import heatmap_difference
from lia_bench.models.blocks.small_tensors import apply, on_device_of
from lia_bench.models.blocks.warping import coordinate_grid, warp_by_each
from lia_bench.models.tpsmm.configuration import ResidualEncoderConfiguration, TpsmmModel

KEYPOINTS_PER_SPLINE = 5

DROPOUT_EPSILON = 1e-6


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


class TpsmmMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        contributions: (B, splines + 1, h, w), shares of the background's and the splines' motions, sum 1.
        occlusions: maps (B, 1, h', w') in [0, 1] from the smallest to the frame's size; 0 is hidden in the source.
    """

    flow: Tensor
    contributions: Tensor
    occlusions: list[Tensor]


class DenseMotion(nn.Module):
    """Weighs the splines' motions by how well the source, warped by each alone, explains the picture."""

    def __init__(self, configuration: TpsmmModel) -> None:
        super().__init__()
        shape, splines = configuration.dense_motion, configuration.splines
        self.downsample = AntiAliasDownsample(3, shape.scale)
        heatmaps, images = 1 + splines * KEYPOINTS_PER_SPLINE, 3 * (1 + splines)
        self.hourglass = Hourglass(
            heatmaps + images,
            shape.expansion,
            shape.cap,
            shape.blocks,
            down=partial(DownBlock, normalisation=AFFINE_INSTANCE_NORM),
            up=partial(UpBlock, normalisation=AFFINE_INSTANCE_NORM),
        )
        self.contributions = nn.Conv2d(self.hourglass.outputs, splines + 1, 7, padding=3)
        doublings = configuration.doublings()
        wide = [self.hourglass.outputs // 2**index for index in range(doublings + 1)]
        self.up = nn.ModuleList(
            UpBlock(wide[index], wide[index + 1], normalisation=AFFINE_INSTANCE_NORM) for index in range(doublings)
        )
        # The hourglass' last levels have maps of these widths, then each doubling; one occlusion map of each.
        self.inner = configuration.inpainting.down_blocks + 1 - doublings
        widths = [*self.hourglass.widths[-self.inner :], *wide[1:]]
        self.occlusions = nn.ModuleList(Convolution(width, 1, 7, padding=3) for width in widths)

    def forward(
        self,
        source: Tensor,
        source_keypoints: Tensor,
        driving_keypoints: Tensor,
        background: Tensor | None = None,
        dropout: float = 0.0,
    ) -> TpsmmMotion:
        """The motion from the driving frame back to the source.

        Args:
            source: (B, 3, H, W) in [0, 1].
            source_keypoints: (B, 5 * splines, 2), x, y in [-1, 1]; `driving_keypoints` likewise.
            background: (B, 3, 3), from driving to source positions; None for a background that stands still.
            dropout: chance of a spline to be left out.
        """
        return self.blend(self.downsample(source), source_keypoints, driving_keypoints, background, dropout)

    def blend(
        self,
        small: Tensor,
        source_keypoints: Tensor,
        driving_keypoints: Tensor,
        background: Tensor | None = None,
        dropout: float = 0.0,
    ) -> TpsmmMotion:
        """As `forward`, from the source as `downsample` made it."""
        motions = part_motions(source_keypoints, driving_keypoints, background, *small.shape[2:])
        warped = warp_by_each(small, motions, align_corners=True)
        heatmaps = heatmap_difference(source_keypoints, driving_keypoints, KEYPOINT_VARIANCE, *small.shape[2:])
        levels = self.hourglass.levels(torch.cat((heatmaps, warped.flatten(1, 2)), dim=1))
        inner = levels[-self.inner :]
        occlusions = [head(maps) for head, maps in zip(self.occlusions, inner[:-1], strict=False)]
        heads = (self.contributions, cast(nn.Conv2d, self.occlusions[self.inner - 1]))
        logits, occlusion = convolve_together(inner[-1], heads)
        occlusions.append(occlusion)
        features = inner[-1]
        for up, head in zip(self.up, self.occlusions[self.inner :], strict=True):
            features = up(features)
            occlusions.append(head(features))
        contributions = shares(logits.float(), dropout)
        flow = (contributions[..., None] * motions).sum(dim=1)
        return TpsmmMotion(flow, contributions, [torch.sigmoid(one.float()) for one in occlusions])


def part_motions(source: Tensor, driving: Tensor, background: Tensor | None, height: int, width: int) -> Tensor:
    """For background and splines the source position of each driving pixel: (B, splines + 1, height, width, 2).

    Keypoints are (B, 5 * splines, 2); `background` as in `DenseMotion`.
    """
    groups = (source.shape[0], -1, KEYPOINTS_PER_SPLINE, 2)
    motions = spline_motions(source.reshape(groups), driving.reshape(groups), height, width)
    return with_background(motions, background)


def shares(logits: Tensor, dropout: float) -> Tensor:
    """Softmax over the parts of logits (B, parts, h, w), with random splines left out (TPSMM section 3.1).

    The first part, the background, always stays. One draw a sample; drawn on the CPU, so that a seed gives the same
    on every device. The scaling by 1 / (1 - dropout) that the paper describes cancels in the renormalisation.
    """
    if not dropout:
        return logits.softmax(dim=1)
    batch, parts = logits.shape[:2]
    kept = torch.rand(batch, parts) >= dropout
    kept[:, 0] = True
    powers = torch.exp(logits - logits.amax(dim=1, keepdim=True)) * on_device_of(kept[:, :, None, None], logits)
    return powers / (powers.sum(dim=1, keepdim=True) + DROPOUT_EPSILON)
