"""From the displacements of keypoints to one dense flow (Monkey-Net section 3.4)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.blocks.warping import coordinate_grid, warp_by_each
from lia_bench.models.monkeynet.configuration import MonkeyNetModel
from lia_bench.models.monkeynet.keypoints import Keypoints, displacements, heatmap_difference

# Logit of the background's mask in an untrained network, where those of the keypoints have 0.
BACKGROUND_LOGIT = 2.0


class DenseMotion(NamedTuple):
    """Where each pixel comes from.

    Attributes:
        flow: (B, h, w, 2), positions in the source, x, y in [-1, 1].
        masks: (B, K + 1, h, w), shares of the background's and the keypoints' displacements, sum 1.
        correction: (B, 2, h, w), what the flow has beside these.
    """

    flow: Tensor
    masks: Tensor
    correction: Tensor


class GroupBlock(nn.Module):
    """1x1 convolution in which groups of channels do not see each other, batch norm, ReLU."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 1, groups=groups)
        self.normalisation = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, h, w), shape kept."""
        return F.relu(self.normalisation(self.convolution(features)), inplace=True)


class DenseMotionNetwork(nn.Module):
    """Masks that say which keypoint each pixel moves with, and a residual flow."""

    def __init__(self, configuration: MonkeyNetModel) -> None:
        super().__init__()
        shape = configuration.dense_motion
        self.align_corners = configuration.align_corners
        self.divisor = configuration.heatmap_divisor
        self.displacement_maps = shape.displacement_maps
        self.step = round(1 / shape.scale)
        parts = configuration.keypoints + 1
        channels = parts * (6 if shape.displacement_maps else 4)
        self.groups = nn.ModuleList(GroupBlock(channels, parts) for _ in range(shape.group_blocks))
        self.hourglass = Hourglass(channels, shape.expansion, shape.cap, shape.blocks)
        self.output = nn.Conv2d(self.hourglass.outputs, parts + 2, 3, padding=1)
        # Training begins with nearly no motion.
        nn.init.zeros_(self.output.weight)
        self.output.bias = nn.Parameter(torch.tensor([BACKGROUND_LOGIT, *[0.0] * (parts + 1)]))

    def forward(self, image: Tensor, source: Keypoints, driving: Keypoints) -> DenseMotion:
        """Flow at `scale` for source images (B, 3, H, W) whose keypoints move from `source` to `driving`."""
        image = image[..., :: self.step, :: self.step]
        displacement = displacements(source, driving)
        features = self.grouped(self.evidence(image, source, driving, displacement))
        outputs = self.output(self.hourglass(features)).float()
        masks, correction = outputs[:, :-2].softmax(dim=1), outputs[:, -2:]
        moved = torch.einsum("bkhw,bkc->bhwc", masks, displacement) + correction.permute(0, 2, 3, 1)
        return DenseMotion(coordinate_grid(*image.shape[2:], like=moved) + moved, masks, correction)

    def evidence(self, image: Tensor, source: Keypoints, driving: Keypoints, displacement: Tensor) -> Tensor:
        """What the network sees, (B, channels, h, w), of an image (B, 3, h, w).

        For the background and each keypoint its heatmap difference, perhaps its displacement (B, K + 1, 2) in two
        even maps, and the image moved by that.
        """
        batch, _, height, width = image.shape
        difference = heatmap_difference(source, driving, self.divisor, height, width)
        difference = torch.cat((torch.zeros_like(difference[:, :1]), difference), dim=1)
        maps = [difference[:, :, None]]
        if self.displacement_maps:
            maps.append(displacement[..., None, None].expand(-1, -1, -1, height, width))
        flows = coordinate_grid(height, width, like=displacement) + displacement[:, :, None, None]
        maps.append(warp_by_each(image, flows, self.align_corners))
        return torch.cat(maps, dim=2).reshape(batch, -1, height, width)

    def grouped(self, features: Tensor) -> Tensor:
        """The input of the hourglass, (B, channels, h, w), from the evidence."""
        for block in self.groups:
            features = block(features)
        return features
