"""3D ResNeXt-101 (Hara, Kataoka and Satoh, CVPR 2018), laid out as `resnext-101-kinetics.pth`."""

from torch import Tensor, nn

CARDINALITY = 32
STEM_CHANNELS = 64
CLASSES = 400
EXPANSION = 2
FEATURES = 2048


class ResNeXtBlock(nn.Module):
    """Bottleneck with a grouped 3x3x3 convolution; a projection on the shortcut where the shape changes (type B)."""

    def __init__(self, channels: int, inner: int, stride: int) -> None:
        super().__init__()
        out = inner * EXPANSION
        self.conv1 = nn.Conv3d(channels, inner, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm3d(inner)
        self.conv2 = nn.Conv3d(inner, inner, 3, stride, padding=1, groups=CARDINALITY, bias=False)
        self.bn2 = nn.BatchNorm3d(inner)
        self.conv3 = nn.Conv3d(inner, out, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm3d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(
                nn.Conv3d(channels, out, kernel_size=1, stride=stride, bias=False), nn.BatchNorm3d(out)
            )

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, T, H, W) to (B, 2 * inner, T / stride, H / stride, W / stride)."""
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        result: Tensor = self.relu(inner + self.downsample(features))
        return result


class ResNeXt3D(nn.Module):
    """The network without its classifier's last step: features of a window of frames.

    The classifier `fc` is in the published file and kept for the sake of its layout alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, STEM_CHANNELS, kernel_size=7, stride=(1, 2, 2), padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(STEM_CHANNELS)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool3d(kernel_size=3, stride=2, padding=1)
        self.layer1 = _layer(STEM_CHANNELS, 128, blocks=3, stride=1)
        self.layer2 = _layer(256, 256, blocks=4, stride=2)
        self.layer3 = _layer(512, 512, blocks=23, stride=2)
        self.layer4 = _layer(1024, 1024, blocks=3, stride=2)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, frames: Tensor) -> Tensor:
        """Features (B, 2048) of windows (B, 3, T, H, W): RGB in 0..255 with the training set's mean subtracted."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(frames))))
        features = self.layer4(self.layer3(self.layer2(self.layer1(features))))
        pooled: Tensor = self.avgpool(features)
        return pooled.flatten(1)


def _layer(channels: int, inner: int, blocks: int, stride: int) -> nn.Sequential:
    further = (ResNeXtBlock(inner * EXPANSION, inner, stride=1) for _ in range(blocks - 1))
    return nn.Sequential(ResNeXtBlock(channels, inner, stride), *further)
