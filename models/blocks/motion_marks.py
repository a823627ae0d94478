"""What models tell of their motion while they render: dense flows, keypoints and masks; nobody listens unless asked."""

from collections.abc import Iterator, Sequence
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


_flows: ContextVar[list[DenseFlow] | None] = ContextVar("listening_for_flows", default=None)


def record_flow(positions: Tensor, align_corners: bool) -> None:
    """To be called by a model, while it renders, with the flow that moves its source; as `DenseFlow` describes it.

    A model that warps at several resolutions may tell of each, from coarse to fine. Costs nothing when nobody listens.
    """
    flows = _flows.get()
    if flows is not None:
        flows.append(DenseFlow(positions, align_corners))


@contextmanager
def recorded_flows() -> Iterator[list[DenseFlow]]:
    """A list that gets the flows of what is rendered meanwhile, in order; empty of a model that has none."""
    flows: list[DenseFlow] = []
    token = _flows.set(flows)
    try:
        yield flows
    finally:
        _flows.reset(token)


@dataclass
class Marks:
    """What a model told of a batch of frames; each sequence holds what is of source, driving frame and result.

    Attributes:
        positions: of keypoints, (B, K, 2), x before y, the frame's border pixels at -1 and 1; empty of a model that has
            none. One keypoint has the same number in all three.
        axes: of regions, (B, K, 2, 2): in the columns half axes in the same units; empty of a model that has none.
        together: so many successive keypoints belong together.
        masks: (B, 1, h, w) in [0, 1], None where there is none; empty of a model that has none.
    """

    positions: Sequence[Tensor] = ()
    axes: Sequence[Tensor] = ()
    together: int = 1
    masks: Sequence[Tensor | None] = ()

    def has(self, kind: str) -> bool:
        """Whether there are any of a `kind`: 'keypoints' or 'masks'."""
        return bool({"keypoints": self.positions, "masks": self.masks}.get(kind))

    def each(self) -> Iterator["Marks"]:
        """The marks of one frame after another, without the first axis, on the CPU; what has B = 1 is of all frames."""
        positions, axes = ([_on_cpu(value) for value in values] for values in (self.positions, self.axes))
        masks = [None if value is None else _on_cpu(value) for value in self.masks]
        there = [*positions, *axes, *(value for value in masks if value is not None)]
        for number in range(max(map(len, there), default=0)):
            yield Marks(
                [_row(value, number) for value in positions],
                [_row(value, number) for value in axes],
                self.together,
                [None if value is None else _row(value, number) for value in masks],
            )


_marks: ContextVar[Marks | None] = ContextVar("listening_for_marks", default=None)


def record_keypoints(
    source: Tensor, driving: Tensor, result: Tensor, axes: Sequence[Tensor] = (), together: int = 1
) -> None:
    """To be called by a model, while it renders, with where its keypoints are; as `Marks` describes them.

    Args:
        source, driving: as found there; `result`: where the source's keypoints are moved to. (B or 1, K, 2), or
            (B or 1, K, 3), whose depth is left out.
        axes: of regions, of all three.
        together: so many successive keypoints share a colour.
    """
    marks = _marks.get()
    if marks is not None:
        marks.positions = [positions[..., :2] for positions in (source, driving, result)]
        marks.axes, marks.together = axes, together


def record_masks(result: Tensor, source: Tensor | None = None, driving: Tensor | None = None) -> None:
    """To be called by a model, while it renders, with its masks; as `Marks` describes them.

    A model that tells of several, from coarse to fine, has the last shown. An occlusion map is one of the result: 1 is
    seen in the source.
    """
    marks = _marks.get()
    if marks is not None:
        marks.masks = (source, driving, result)


@contextmanager
def recorded_marks() -> Iterator[Marks]:
    """Gets what models tell meanwhile, the latest of each kind; empty of a model that has neither."""
    marks = Marks()
    token = _marks.set(marks)
    try:
        yield marks
    finally:
        _marks.reset(token)


def _on_cpu(value: Tensor) -> Tensor:
    return value.detach().float().cpu()


def _row(value: Tensor, number: int) -> Tensor:
    return value[number if len(value) > 1 else 0]
