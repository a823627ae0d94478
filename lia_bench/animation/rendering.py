"""Frames of several models for one driving video, in step, so that no more than a batch of them is in memory."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, tee
from typing import TYPE_CHECKING

from lia_bench.animation.performers import Performer
from lia_bench.core.video import resize, to_frame, to_tensor
from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from torch import Tensor

SMALLEST_SIDE = 16
"""Pixels, for models that take any size."""


def sides_of(performers: Sequence[Performer], still: Frame) -> list[int]:
    """The side of each model's frames; of those that take any, the largest of the others', else the source's own."""
    given = [performer.animator.frame_size for performer in performers]
    own = min(still.shape[:2])
    usual = max((side for side in given if side is not None), default=max(own - own % 2, SMALLEST_SIDE))
    return [side or usual for side in given]


def render(
    performers: Sequence[Performer],
    still: Frame,
    driving: Iterator[Frame],
    start: Frame | None,
    references: Sequence[Frame],
    batch_size: int,
) -> Iterator[tuple[Frame, list[Frame]]]:
    """For each driving frame: itself, at the side of the largest model, and every model's, uint8 RGB at its own side.

    Args:
        performers: the models.
        still: the source, uint8 RGB (H, W, 3); scaled to each model's side, whatever its aspect.
        driving: frames, likewise.
        start: the frame that relative transfer begins from; None for the first of `driving`.
        references: further views of the source's subject, likewise; none for models that take none.
        batch_size: frames rendered together.

    Raises:
        InputError: there is no driving frame.
    """
    sides = sides_of(performers, still)
    frames = driving if start is None else chain([start], driving)
    shown, *branches = tee(_at_sides(frames, sorted(set(sides))), len(performers) + 1)
    streams = [
        performer.animator.animate_stream(
            _tensor(still, side),
            _of_side(branch, side),
            performer.transfer,
            batch_size,
            [_tensor(reference, side) for reference in references],
        )
        for performer, branch, side in zip(performers, branches, sides, strict=True)
    ]
    # A model begins from the first frame that it is given, so one that is not the first is given twice.
    rows = islice(zip(shown, *streams, strict=True), 0 if start is None else 1, None)
    for scaled, *rendered in rows:
        yield scaled[max(sides)], [to_frame(image) for image in rendered]


def _at_sides(frames: Iterator[Frame], sides: Sequence[int]) -> Iterator[dict[int, Frame]]:
    return ({side: resize(frame, (side, side)) for side in sides} for frame in frames)


def _tensor(frame: Frame, side: int) -> "Tensor":
    return to_tensor(resize(frame, (side, side)))


def _of_side(frames: Iterator[Mapping[int, Frame]], side: int) -> "Iterator[Tensor]":
    return (to_tensor(scaled[side]) for scaled in frames)
