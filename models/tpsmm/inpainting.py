"""The encoder-decoder that paints the frame from warped features (TPSMM section 3.2)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.convolution import (
    AFFINE_INSTANCE_NORM,
    Convolution,
    ConvolutionBlock,
    DownBlock,
    ResidualBlock,
    UpBlock,
)
from lia_bench.models.blocks.motion_marks import record_flow, record_masks
from lia_bench.models.blocks.warping import resize_flow, warp
from lia_bench.models.tpsmm.configuration import InpaintingConfiguration
from lia_bench.models.tpsmm.dense_motion import TpsmmMotion


class Inpainted(NamedTuple):
    """Frames (B, 3, H, W) in [0, 1], and for the warp loss encoder maps from the smallest on, visible parts only.

    Attributes:
        warped: the source's maps, warped; gradients reach the flow alone.
        driving: the driving frame's maps; without gradients.
    """

    frames: Tensor
    warped: list[Tensor]
    driving: list[Tensor]


class InpaintingNetwork(nn.Module):
    """Warps features of the source at every resolution, hides what cannot be seen there, and paints it anew."""

    def __init__(self, configuration: InpaintingConfiguration) -> None:
        super().__init__()
        count = configuration.down_blocks
        widths = [min(configuration.cap, configuration.expansion * 2**index) for index in range(count + 1)]
        norm = AFFINE_INSTANCE_NORM
        self.stem = ConvolutionBlock(3, widths[0], kernel_size=7, normalisation=norm)
        self.down = nn.ModuleList(
            DownBlock(widths[index], widths[index + 1], normalisation=norm) for index in range(count)
        )
        self.residual, self.up = nn.ModuleList(), nn.ModuleList()
        for index in reversed(range(count)):
            # After the first up block the warped features of the same resolution come along.
            inputs = widths[index + 1] * (1 if index == count - 1 else 2)
            self.residual.extend(ResidualBlock(inputs, normalisation=norm) for _ in range(2))
            self.up.append(UpBlock(inputs, widths[index], normalisation=norm))
        self.output = Convolution(widths[0], 3, 7, padding=3)

    def forward(self, source: Tensor, driving: Tensor, motion: TpsmmMotion) -> Inpainted:
        """A training step's frames and maps for frames (B, 3, H, W) in [0, 1] and the motion between them."""
        features = self.encode(source)
        with torch.no_grad():
            targets = self.encode(driving)
        hidden = [occlusion.detach() for occlusion in motion.occlusions]
        warped = [
            warped_to(maps.detach(), motion.flow) * occlusion for maps, occlusion in zip(features, hidden, strict=True)
        ]
        seen = [maps * occlusion for maps, occlusion in zip(targets, hidden, strict=True)]
        return Inpainted(self.render(source, features, motion), warped, seen)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Feature maps of (B, 3, H, W), from the smallest to those of the frame's size."""
        maps = [self.stem(image)]
        for down in self.down:
            maps.append(down(maps[-1]))
        return maps[::-1]

    def render(self, source: Tensor, features: list[Tensor], motion: TpsmmMotion) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] from the source, its `encode`d maps and the motion, of one batch size."""
        record_flow(motion.flow, align_corners=True)
        record_masks(motion.occlusions[-1])
        seen = [
            warped_to(maps, motion.flow) * occlusion
            for maps, occlusion in zip(features, motion.occlusions, strict=True)
        ]
        visible = motion.occlusions[-1]
        decoded = seen[0]
        for index, up in enumerate(self.up):
            for residual in self.residual[2 * index : 2 * index + 2]:
                decoded = residual(decoded)
            decoded = up(decoded)
            if index + 1 < len(self.up):
                decoded = torch.cat((decoded, seen[index + 1]), dim=1)
        decoded = decoded * (1 - visible) + seen[-1]
        painted = torch.sigmoid(self.output(decoded).float())
        return painted * (1 - visible) + warped_to(source, motion.flow) * visible


def warped_to(maps: Tensor, flow: Tensor) -> Tensor:
    """Maps (B, C, H, W) warped by a flow (B, h, w, 2) that is resized to them."""
    height, width = maps.shape[2:]
    return warp(maps, resize_flow(flow, height, width, align_corners=True), align_corners=True)
