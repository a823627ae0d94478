"""A table of every entry of a checkpoint that others published: StyleGAN2's layers under their names and ours."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.authors_layout import first_names
from lia_bench.models.blocks.stylegan2 import blur_kernel


@dataclass(frozen=True)
class Renamed:
    """A parameter: their name, ours, and how many axes of length 1 theirs has before and after."""

    theirs: str
    own: str
    before: int = 0
    after: int = 0

    def from_theirs(self, value: Tensor) -> Tensor:
        """The value as we shape it."""
        return value.reshape(value.shape[self.before : value.ndim - self.after])

    def to_theirs(self, value: Tensor) -> Tensor:
        """The value as they shape it."""
        return value.reshape((1,) * self.before + value.shape + (1,) * self.after)


@dataclass(frozen=True)
class Kernel:
    """A blur kernel that the architecture fixes, of the sum `gain`; it is checked and made anew."""

    theirs: str
    gain: float


@dataclass(frozen=True)
class Unused:
    """A parameter that their forward pass never reads; dropped, and zeros on the way back.

    `shape` may hold -1 for the width at 4x4.
    """

    theirs: str
    shape: tuple[int, ...]


Entry = Renamed | Kernel | Unused


def from_table(whose: str, table: list[Entry], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict from theirs, `table` naming every entry that theirs must have; `whose`: the model, for messages.

    Raises:
        CheckpointError: an entry is missing or unknown, or a blur kernel differs from [1, 3, 3, 1].
    """
    known = {entry.theirs for entry in table}
    for problem, names in (("lacks", known - state.keys()), ("has an unknown entry", state.keys() - known)):
        if names:
            raise CheckpointError(
                f"a checkpoint of {whose}'s layout {problem} {first_names(names)}: take the file as published"
            )
    for entry in table:
        if isinstance(entry, Kernel) and not torch.allclose(state[entry.theirs].float(), blur_kernel(entry.gain)):
            raise CheckpointError(f"{entry.theirs} is not the blur kernel [1, 3, 3, 1], the only one supported")
    return {entry.own: entry.from_theirs(state[entry.theirs]) for entry in table if isinstance(entry, Renamed)}


def to_table(table: list[Entry], state: Mapping[str, Tensor], width: int) -> dict[str, Tensor]:
    """Their state dict from ours; `width`: channels at 4x4. What their forward pass never reads becomes zeros."""
    values: dict[str, Tensor] = {}
    for entry in table:
        match entry:
            case Renamed():
                values[entry.theirs] = entry.to_theirs(state[entry.own])
            case Kernel():
                values[entry.theirs] = blur_kernel(entry.gain)
            case Unused():
                values[entry.theirs] = torch.zeros([width if side == -1 else side for side in entry.shape])
    return values


def modulated_table(theirs: str, own: str) -> Iterator[Entry]:
    """A modulated convolution."""
    yield Renamed(f"{theirs}.weight", f"{own}.weight", 1)
    yield Renamed(f"{theirs}.modulation.weight", f"{own}.modulation.weight")
    yield Renamed(f"{theirs}.modulation.bias", f"{own}.modulation.bias")


def count_names(names: Mapping[str, Any], pattern: str) -> int:
    """How many names match a pattern as a whole."""
    return sum(1 for name in names if re.fullmatch(pattern, name))
