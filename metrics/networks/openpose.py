"""The body network of OpenPose (Cao et al., CVPR 2017, figure 3), laid out as `pose_model.pth`."""

import torch
from torch import Tensor, nn

STRIDE = 8
"""Pixels of the picture to one cell of the maps, in both directions."""

FIELD_CHANNELS = 38
CONFIDENCE_CHANNELS = 19
STAGES = 6

_VGG_CHANNELS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512))
_FEATURES = 128


class OpenPoseNetwork(nn.Module):
    """Ten convolutions of VGG-19, two that narrow their result, and six stages of two branches each.

    Every stage but the first sees the maps of the stage before it beside the features.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model0 = _front_end()
        for stage in range(1, STAGES + 1):
            make = _first_stage if stage == 1 else _later_stage
            self.add_module(f"model{stage}_1", make(FIELD_CHANNELS))
            self.add_module(f"model{stage}_2", make(CONFIDENCE_CHANNELS))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of the last stage.

        Args:
            pictures: (B, 3, H, W) BGR, levels / 256 - 0.5; H and W are multiples of 8.

        Returns:
            Part affinity fields (B, 38, H / 8, W / 8), x and y in turn for each of 19 limbs, and confidence maps
            (B, 19, H / 8, W / 8) of 18 joints and of the background.
        """
        features: Tensor = self.model0(pictures)
        seen = features
        for stage in range(1, STAGES + 1):
            fields: Tensor = self.get_submodule(f"model{stage}_1")(seen)
            confidence: Tensor = self.get_submodule(f"model{stage}_2")(seen)
            seen = torch.cat([fields, confidence, features], dim=1)
        return fields, confidence


def _convolution(channels: int, out: int, kernel: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, kernel, padding=kernel // 2), nn.ReLU(inplace=True)]


def _front_end() -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for block in _VGG_CHANNELS:
        if layers:
            layers.append(nn.MaxPool2d(kernel_size=2))
        for out in block:
            layers += _convolution(channels, out, kernel=3)
            channels = out
    layers += _convolution(channels, 256, kernel=3)
    return nn.Sequential(*layers, *_convolution(256, _FEATURES, kernel=3))


def _first_stage(out: int) -> nn.Sequential:
    layers = [layer for _ in range(3) for layer in _convolution(_FEATURES, 128, kernel=3)]
    return nn.Sequential(*layers, *_convolution(128, 512, kernel=1), nn.Conv2d(512, out, kernel_size=1))


def _later_stage(out: int) -> nn.Sequential:
    layers = _convolution(FIELD_CHANNELS + CONFIDENCE_CHANNELS + _FEATURES, 128, kernel=7)
    for _ in range(4):
        layers += _convolution(128, 128, kernel=7)
    return nn.Sequential(*layers, *_convolution(128, 128, kernel=1), nn.Conv2d(128, out, kernel_size=1))
