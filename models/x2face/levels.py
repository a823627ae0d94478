"""The levels of X2Face's networks: each halves the picture on the way down and doubles it on the way up."""

import torch.nn.functional as F
from torch import Tensor, nn


class DownLevel(nn.Module):
    """LeakyReLU, convolution to half the size, batch norm; the outermost level is the convolution alone."""

    def __init__(self, inputs: int, outputs: int, *, activated: bool, normalised: bool) -> None:
        super().__init__()
        self.activated = activated
        self.convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs) if normalised else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / 2, W / 2)."""
        if self.activated:
            features = F.leaky_relu(features, 0.2)
        halved: Tensor = self.normalisation(self.convolution(features))
        return halved


class UpLevel(nn.Module):
    """ReLU, bilinear up-sampling by 2, convolution, batch norm; the outermost level has no batch norm."""

    def __init__(self, inputs: int, outputs: int, *, normalised: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs) if normalised else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, 2 H, 2 W)."""
        # What torch 0.2 did, in which the published weights were trained; today's default gives another picture.
        doubled = F.interpolate(F.relu(features), scale_factor=2, mode="bilinear", align_corners=True)
        raised: Tensor = self.normalisation(self.convolution(doubled))
        return raised


def down_levels(widths: list[int]) -> nn.ModuleList:
    """From three channels to `widths`, outermost first; neither the outermost nor the innermost is normalised."""
    last = len(widths) - 1
    return nn.ModuleList(
        DownLevel(inputs, outputs, activated=level > 0, normalised=0 < level < last)
        for level, (inputs, outputs) in enumerate(zip([3, *widths], widths, strict=False))
    )


def initialise(network: nn.Module, last: UpLevel, initial_offset: float) -> None:
    """Random weights as the authors trained from; those of `last` times `initial_offset`.

    Their scale of batch norm is uniform between 0.02 and 1, where a normal around 1 was surely meant: mean and
    deviation went to a function that takes bounds.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.02, 1.0)
            nn.init.zeros_(module.bias)
    last.convolution.weight.data.mul_(initial_offset)
