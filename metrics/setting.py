"""What metrics may depend on beside the frames."""

from dataclasses import dataclass

import torch

from lia_bench.core.errors import LiaBenchError
from lia_bench.metrics.protocols import Protocol


class UnavailableMetricError(LiaBenchError):
    """A metric that cannot be computed in this setting; the text is the reason its cells stay empty."""


@dataclass(frozen=True)
class ScoringSetting:
    """What all frames of an evaluation have in common.

    Attributes:
        height: in pixels.
        width: in pixels.
        device: where networks run and where the frames lie.
        protocol: the rules that numbers are computed by.
    """

    height: int
    width: int
    device: torch.device
    protocol: Protocol = Protocol.LITERATURE
