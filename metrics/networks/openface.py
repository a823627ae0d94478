"""OpenFace's nn4.small2.v1 (Amos, Ludwiczuk and Satyanarayanan, 2016), laid out as OpenFacePytorch's `openface.pth`."""

from collections import OrderedDict
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 128
POOLED = 736
LENGTH_EPSILON = 1e-6


class CrossMapNormalisation(nn.Module):
    """Division by the activity of 5 neighbouring channels, with the slip of the published loader.

    That loader goes from channel to channel and keeps a running sum of squares, which channel 0 never leaves. So does
    `torch.nn.CrossMapLRN2d`, and `torch.nn.functional.local_response_norm` does not: the two differ.
    """

    NEIGHBOURS = 5
    ALPHA = 1e-4
    BETA = 0.75

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape; C at least 4."""
        reach = self.NEIGHBOURS // 2
        squares = features.square()
        sums = functional.pad(squares, (0, 0, 0, 0, reach, reach)).unfold(1, self.NEIGHBOURS, 1).sum(dim=-1)
        proper, too_large = sums.split([reach + 1, sums.shape[1] - reach - 1], dim=1)
        sums = torch.cat([proper, too_large + squares[:, :1]], dim=1)
        scaled: Tensor = features * (1 + self.ALPHA / self.NEIGHBOURS * sums).pow(-self.BETA)
        return scaled


class InceptionBlock(nn.Module):
    """Branches side by side; one whose map is smaller than the largest is put in the middle of zeros."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.seq_list = nn.ModuleList(branches)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to (B, sum of the branches' channels, H', W')."""
        maps = [branch(features) for branch in self.seq_list]
        height = max(found.shape[2] for found in maps)
        width = max(found.shape[3] for found in maps)
        return torch.cat([_in_the_middle(found, height, width) for found in maps], dim=1)


class OpenFace(nn.Module):
    """Embedding of a face; keys are numbered by the layers of the Torch network that it was converted from."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.layer2 = nn.BatchNorm2d(64)
        self.layer6 = nn.Conv2d(64, 64, kernel_size=1)
        self.layer7 = nn.BatchNorm2d(64)
        self.layer9 = nn.Conv2d(64, 192, kernel_size=3, padding=1)
        self.layer10 = nn.BatchNorm2d(192)
        self.layer14 = InceptionBlock(
            _reduced(192, 96, 128, 3), _reduced(192, 16, 32, 5), _pooled(_maximum(), 192, 32), _direct(192, 64)
        )
        self.layer15 = InceptionBlock(
            _reduced(256, 96, 128, 3), _reduced(256, 32, 64, 5), _pooled(_root_of_squares(), 256, 64), _direct(256, 64)
        )
        self.layer16 = InceptionBlock(_reduced(320, 128, 256, 3, 2), _reduced(320, 32, 64, 5, 2), _maximum())
        self.layer17 = InceptionBlock(
            _reduced(640, 96, 192, 3),
            _reduced(640, 32, 64, 5),
            _pooled(_root_of_squares(), 640, 128),
            _direct(640, 256),
        )
        self.layer18 = InceptionBlock(_reduced(640, 160, 256, 3, 2), _reduced(640, 64, 128, 5, 2), _maximum())
        self.layer19 = InceptionBlock(
            _reduced(1024, 96, 384, 3), _pooled(_root_of_squares(), 1024, 96), _direct(1024, 256)
        )
        self.layer21 = InceptionBlock(_reduced(736, 96, 384, 3), _pooled(_maximum(), 736, 96), _direct(736, 256))
        self.layer25 = nn.Linear(POOLED, FEATURES)
        self.halve = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.normalise = CrossMapNormalisation()

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings (B, 128) of unit length of faces (B, 3, 96, 96): BGR in [0, 1]."""
        features = self.normalise(self.halve(self.layer2(self.layer1(faces)).relu()))
        features = self.layer7(self.layer6(features)).relu()
        features = self.halve(self.normalise(self.layer10(self.layer9(features)).relu()))
        features = self.layer16(self.layer15(self.layer14(features)))
        features = self.layer21(self.layer19(self.layer18(self.layer17(features))))
        embeddings: Tensor = self.layer25(functional.avg_pool2d(features, kernel_size=3).flatten(1))
        return embeddings / (embeddings.square().sum(dim=1, keepdim=True) + LENGTH_EPSILON).sqrt()


def _in_the_middle(found: Tensor, height: int, width: int) -> Tensor:
    above, left = (height - found.shape[2]) // 2, (width - found.shape[3]) // 2
    below, right = height - found.shape[2] - above, width - found.shape[3] - left
    return functional.pad(found, (left, right, above, below))


def _numbered(modules: Iterable[tuple[str, nn.Module]]) -> nn.Sequential:
    # The published keys count all layers of a branch, those without weights too.
    return nn.Sequential(OrderedDict((f"{number}_{kind}", module) for number, (kind, module) in enumerate(modules, 1)))


def _convolved(channels: int, out: int, kernel: int, stride: int) -> list[tuple[str, nn.Module]]:
    convolution = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2)
    return [("conv", convolution), ("bn", nn.BatchNorm2d(out)), ("relu", nn.ReLU())]


def _reduced(channels: int, between: int, out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return _numbered([*_convolved(channels, between, 1, 1), *_convolved(between, out, kernel, stride)])


def _pooled(pool: nn.Module, channels: int, out: int) -> nn.Sequential:
    return _numbered([("pool", pool), *_convolved(channels, out, 1, 1)])


def _direct(channels: int, out: int) -> nn.Sequential:
    return _numbered(_convolved(channels, out, 1, 1))


def _maximum() -> nn.Module:
    return nn.MaxPool2d(kernel_size=3, stride=2)


def _root_of_squares() -> nn.Module:
    return nn.LPPool2d(norm_type=2, kernel_size=3, stride=3)
