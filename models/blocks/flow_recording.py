"""Dense flows of models, for those who want to see them: models tell, and nobody listens unless asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from lia_bench.models.blocks.warping import coordinate_grid


@dataclass(frozen=True)
class DenseFlow:
    """A backward flow: for each pixel of a frame, the place in the source that is shown there.

    Attributes:
        positions: (B, h, w, 2), x before y, absolute, the source's edges at -1 and 1; of a volume (B, d, h, w, 3).
        align_corners: whether -1 and 1 are centres of the border pixels (True) or their outer edges (False).
    """

    positions: Tensor
    align_corners: bool

    def pixels(self, height: int, width: int) -> Tensor:
        """Offsets from the pixels to those places, (B, 2, height, width): x to the right and y downwards, in pixels.

        They are those of a picture of `height` x `width`, to which a coarser flow is enlarged. Of a volume the mean
        over its depth.
        """
        positions = self.positions.detach().float()
        if positions.ndim == 5:
            positions = positions[..., :2].mean(dim=1)
        rows, columns = positions.shape[1:3]
        own = coordinate_grid(rows, columns, like=positions)
        size = positions.new_tensor([columns, rows])
        # The grid's -1 and 1 are centres of border pixels: (x + 1) / 2 * (size - 1) is a pixel's number.
        numbers = (positions + 1) / 2 * (size - 1) if self.align_corners else ((positions + 1) * size - 1) / 2
        offsets = numbers - (own + 1) / 2 * (size - 1)
        scaled = offsets * positions.new_tensor([width / columns, height / rows])
        return F.interpolate(scaled.permute(0, 3, 1, 2), size=(height, width), mode="bilinear", align_corners=False)


_listening: ContextVar[list[DenseFlow] | None] = ContextVar("listening", default=None)


def record_flow(positions: Tensor, align_corners: bool) -> None:
    """To be called by a model, while it renders, with the flow that moves its source; as `DenseFlow` describes it.

    A model that warps at several resolutions may tell of each, from coarse to fine. Costs nothing when nobody listens.
    """
    flows = _listening.get()
    if flows is not None:
        flows.append(DenseFlow(positions, align_corners))


@contextmanager
def recorded_flows() -> Iterator[list[DenseFlow]]:
    """A list that gets the flows of what is rendered meanwhile, in order; empty of a model that has none."""
    flows: list[DenseFlow] = []
    token = _listening.set(flows)
    try:
        yield flows
    finally:
        _listening.reset(token)
