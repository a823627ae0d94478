"""expression_error: the difference of two faces' blendshapes."""

from collections.abc import Callable

from torch import Tensor

from lia_bench.metrics.motion.since_first import ChangingState
from lia_bench.metrics.specification import ScoringSetting

NOTHING_ALIKE = 1.0
"""What a lost face counts in the strict protocol: as much as shapes can differ."""


class ExpressionError(ChangingState):
    """Mean absolute difference of the blendshapes, each from 0 to 1, or of their changes since the first frame."""

    def states(self, features: Tensor) -> Tensor:
        """(B, 52) the blendshapes themselves."""
        return features.double()

    def change(self, states: Tensor, first: Tensor) -> Tensor:
        """(B, 52) their changes."""
        return states - first

    def distance(self, generated: Tensor, reference: Tensor) -> Tensor:
        """(B,) means."""
        return (generated - reference).abs().mean(dim=1)


def open_expression_error(setting: ScoringSetting) -> Callable[[], ExpressionError]:
    """By the setting's transfer and protocol."""
    return lambda: ExpressionError(setting, NOTHING_ALIKE)
