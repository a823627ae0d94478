"""A colour jitter of a whole batch at once, each row by a draw of its own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lia_bench.models.blocks.small_tensors import on_device_of
from lia_bench.models.training.augmentation import ColourChange

# Of red, green and blue in a grey level (ITU-R BT.601), as torchvision has them.
GREY = (0.2989, 0.587, 0.114)
KINDS = 4


def changed_colours(pictures: Tensor, changes: Sequence[ColourChange]) -> Tensor:
    """What `ColourChange.apply` makes of each row: (R, F, 3, H, W) in [0, 1], R as many as there are changes.

    A row has its changes in an order of its own: at each place in the order every kind of change is made of the rows
    that have it there, by masks, so that how many operations there are does not depend on R.
    """
    places = max((len(change.order) for change in changes), default=0)
    if not places:
        return pictures
    amounts = torch.tensor([[*change.factors, change.hue] for change in changes], dtype=torch.double)
    # Also the complement in double precision, as for a factor that is a number of Python.
    both = on_device_of(torch.stack((amounts, 1 - amounts)).float(), pictures)
    turns = [
        [change.order[place] if place < len(change.order) else -1 for change in changes] for place in range(places)
    ]
    chosen = on_device_of(torch.tensor(turns)[:, None] == torch.arange(KINDS)[:, None], pictures)
    used = sorted({kind for change in changes for kind in change.order})
    for place in range(places):
        made = pictures
        for kind in used:
            factor, rest = (part[:, kind, None, None, None, None] for part in both)
            mask = chosen[place, kind, :, None, None, None, None]
            made = torch.where(mask, CHANGES[kind](pictures, factor, rest), made)
        pictures = made
    return pictures


def _brighter(pictures: Tensor, factor: Tensor, _: Tensor) -> Tensor:
    return (factor * pictures).clamp(0, 1)


def _contrasted(pictures: Tensor, factor: Tensor, rest: Tensor) -> Tensor:
    return (factor * pictures + rest * _grey(pictures).mean(dim=(-3, -2, -1), keepdim=True)).clamp(0, 1)


def _saturated(pictures: Tensor, factor: Tensor, rest: Tensor) -> Tensor:
    return (factor * pictures + rest * _grey(pictures)).clamp(0, 1)


def _turned(pictures: Tensor, turns: Tensor, _: Tensor) -> Tensor:
    """The hue moved on by turns (R, 1, 1, 1, 1), value and saturation kept."""
    value, which = pictures.max(dim=-3, keepdim=True)
    range_ = value - pictures.amin(dim=-3, keepdim=True)
    red, green, blue = pictures.split(1, dim=-3)
    # Where there is no colour there is no hue.
    span = torch.where(range_ > 0, range_, 1.0)
    after_green = torch.where(which == 1, 2 + (blue - red) / span, 4 + (red - green) / span)
    hue = torch.where(which == 0, (green - blue) / span, after_green) + 6 * turns
    # How far a channel lies below the value, by the distance of the hue from that channel's.
    channels = [(start + hue) % 6 for start in (5, 3, 1)]
    below = [torch.minimum(channel, 4 - channel).clamp(0, 1) for channel in channels]
    turned: Tensor = (value - range_ * torch.cat(below, dim=-3)).clamp(0, 1)
    return turned


def _grey(pictures: Tensor) -> Tensor:
    red, green, blue = pictures.split(1, dim=-3)
    grey: Tensor = GREY[0] * red + GREY[1] * green + GREY[2] * blue
    return grey


CHANGES: tuple[Callable[[Tensor, Tensor, Tensor], Tensor], ...] = (_brighter, _contrasted, _saturated, _turned)
"""By the number of their kind in `ColourChange.order`."""
