"""The convolution blocks of the keypoint models for volumes (B, C, D, H, W); the depth is never halved or doubled."""

import torch.nn.functional as F
from torch import Tensor, nn

KEEPING_DEPTH = (1, 2, 2)


class VolumeConvolutionBlock(nn.Module):
    """Convolution that keeps the size, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, kernel_size, padding=kernel_size // 2)
        self.normalisation = nn.BatchNorm3d(outputs)

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H, W)."""
        return F.relu(self.normalisation(self.convolution(volume)), inplace=True)


class VolumeDownBlock(VolumeConvolutionBlock):
    """Convolution block, then average pooling of height and width by 2."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, H / 2, W / 2)."""
        return F.avg_pool3d(super().forward(volume), KEEPING_DEPTH)


class VolumeUpBlock(VolumeConvolutionBlock):
    """Nearest up-sampling of height and width by 2, then a convolution block."""

    def forward(self, volume: Tensor) -> Tensor:
        """(B, inputs, D, H, W) to (B, outputs, D, 2 H, 2 W)."""
        return super().forward(F.interpolate(volume, scale_factor=KEEPING_DEPTH))


class VolumeResidualBlock(nn.Module):
    """Pre-activation residual block: twice batch norm, ReLU, 3x3x3 convolution; plus the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalisation1 = nn.BatchNorm3d(channels)
        self.convolution1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.normalisation2 = nn.BatchNorm3d(channels)
        self.convolution2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, volume: Tensor) -> Tensor:
        """(B, channels, D, H, W), shape kept."""
        change: Tensor = self.convolution1(F.relu(self.normalisation1(volume), inplace=True))
        change = self.convolution2(F.relu(self.normalisation2(change), inplace=True))
        return volume + change
