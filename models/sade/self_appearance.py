"""A second flow, by which warped features borrow from themselves (SADE's F_A, section 3.2, equation 5)."""

from torch import Tensor, nn

from lia_bench.models.blocks.hourglass import Hourglass
from lia_bench.models.sade.configuration import SelfAppearanceConfiguration


class SelfAppearance(nn.Module):
    """An hourglass from features to T_App; it starts at zero, where features stay in their places."""

    def __init__(self, configuration: SelfAppearanceConfiguration, channels: int) -> None:
        """`channels`: of the features."""
        super().__init__()
        self.hourglass = Hourglass(channels, configuration.expansion, configuration.cap, configuration.blocks)
        self.flow = nn.Conv2d(self.hourglass.outputs, 2, 7, padding=3)
        nn.init.zeros_(self.flow.weight)
        nn.init.zeros_(self.flow.bias)  # type: ignore[arg-type]

    def forward(self, warped: Tensor) -> Tensor:
        """Offsets (B, h, w, 2) for features (B, C, h, w) that the motion has warped already."""
        offsets: Tensor = self.flow(self.hourglass(warped)).float()
        return offsets.permute(0, 2, 3, 1)
