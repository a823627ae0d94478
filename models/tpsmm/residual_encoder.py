"""The ResNets that look at whole frames: for keypoints, and for the background's motion."""

import torch
from torch import Tensor, nn

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

    def __init__(self, configuration: ResidualEncoderConfiguration) -> None:
        super().__init__()
        self.encoder = _residual_network(configuration, channels=6, outputs=6)
        # Training begins with a background that stands still.
        nn.init.zeros_(self.encoder.get_parameter("fc.weight"))
        with torch.no_grad():
            self.encoder.get_parameter("fc.bias").copy_(torch.eye(2, 3).flatten())

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Matrices (B, 3, 3), last row 0 0 1, from driving to source x, y in [-1, 1]; frames (B, 3, H, W) in [0, 1]."""
        affine = self.encoder(torch.cat((source, driving), dim=1)).float().reshape(-1, 2, 3)
        last = torch.tensor([0.0, 0.0, 1.0], device=affine.device).expand(affine.shape[0], 1, 3)
        return torch.cat((affine, last), dim=1)


def _residual_network(configuration: ResidualEncoderConfiguration, channels: int, outputs: int) -> nn.Module:
    """torchvision's ResNet for images of `channels`, with fresh weights."""
    from torchvision.models.resnet import BasicBlock, ResNet

    network: nn.Module = ResNet(BasicBlock, list(configuration.stages), num_classes=outputs)
    if channels != 3:
        network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return network
