"""The authors' checkpoint layout, in both directions: one table of all their entries."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.authors_layout import first_names
from lia_bench.models.blocks.stylegan2 import blur_kernel

# The generator's state dict is under this key; their trainer stored optimisers and more beside it.
GENERATOR = "gen"


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


def generator_table(levels: int) -> list[Entry]:
    """Every entry of their generator with `levels` decoder levels (six at 256x256)."""
    return [
        *trunk_table("enc.net_app.convs", "encoder.", levels),
        Renamed(f"enc.net_app.convs.{levels + 1}.weight", "encoder.head.weight"),
        *(
            Renamed(f"enc.fc.{layer}.{part}", f"magnitude_head.{layer}.{part}")
            for layer in range(5)
            for part in ("weight", "bias")
        ),
        Renamed("dec.direction.weight", "dictionary.weight"),
        Renamed("dec.input.input", "decoder.constant"),
        *_styled("dec.conv1", "decoder.first"),
        Unused("dec.to_rgb1.bias", (1, 3, 1, 1)),
        Unused("dec.to_rgb1.conv.0.weight", (3, -1, 1, 1)),
        Unused("dec.to_rgb1.conv.1.bias", (1, 3, 1, 1)),
        *(entry for level in range(levels) for entry in _level(level)),
    ]


def trunk_table(theirs: str, own: str, blocks: int) -> Iterator[Entry]:
    """The stem and the residual blocks that their encoder and their discriminator have alike."""
    yield Renamed(f"{theirs}.0.0.weight", f"{own}stem.weight")
    yield Renamed(f"{theirs}.0.1.bias", f"{own}stem.bias", 1, 2)
    for block in range(blocks):
        their_block, own_block = f"{theirs}.{block + 1}", f"{own}blocks.{block}"
        yield Renamed(f"{their_block}.conv1.0.weight", f"{own_block}.first.weight")
        yield Renamed(f"{their_block}.conv1.1.bias", f"{own_block}.first.bias", 1, 2)
        yield Kernel(f"{their_block}.conv2.0.kernel", 1.0)
        yield Renamed(f"{their_block}.conv2.1.weight", f"{own_block}.second.weight")
        yield Renamed(f"{their_block}.conv2.2.bias", f"{own_block}.second.bias", 1, 2)
        yield Kernel(f"{their_block}.skip.0.kernel", 1.0)
        yield Renamed(f"{their_block}.skip.1.weight", f"{own_block}.shortcut.weight")


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """This model's state dict from the content of the authors' file, or None where it is no such file.

    Raises:
        CheckpointError: the layout is theirs, but an entry is missing, unknown or not what it must be.
    """
    state = content.get(GENERATOR)
    if not isinstance(state, Mapping) or not {"dec.direction.weight", "enc.fc.0.weight"} <= state.keys():
        return None
    return from_table(generator_table(_count(state, r"dec\.to_flows\.\d+\.bias")), state)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A LiaAnimator's state dict in the authors' layout, without discriminator and optimisers; else None.

    None as well for the ablation without a motion dictionary, which their published code cannot hold.
    Entries that their forward pass never reads become zeros: they leave every picture as it is.
    """
    if not {"decoder.constant", "dictionary.weight"} <= state.keys():
        return None
    levels = _count(state, r"decoder\.levels\.\d+\.colour_bias")
    width = state["decoder.constant"].shape[1]
    values: dict[str, Tensor] = {}
    for entry in generator_table(levels):
        match entry:
            case Renamed():
                values[entry.theirs] = entry.to_theirs(state[entry.own])
            case Kernel():
                values[entry.theirs] = blur_kernel(entry.gain)
            case Unused():
                values[entry.theirs] = torch.zeros([width if side == -1 else side for side in entry.shape])
    return {GENERATOR: values}


def from_table(table: list[Entry], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our state dict from theirs, `table` naming every entry that theirs must have.

    Raises:
        CheckpointError: an entry is missing or unknown, or a blur kernel differs from [1, 3, 3, 1].
    """
    known = {entry.theirs for entry in table}
    for problem, names in (("lacks", known - state.keys()), ("has an unknown entry", state.keys() - known)):
        if names:
            raise CheckpointError(
                f"a checkpoint of LIA's layout {problem} {first_names(names)}: take the file as published"
            )
    for entry in table:
        if isinstance(entry, Kernel) and not torch.allclose(state[entry.theirs], blur_kernel(entry.gain)):
            raise CheckpointError(f"{entry.theirs} is not the blur kernel [1, 3, 3, 1], the only one supported")
    return {entry.own: entry.from_theirs(state[entry.theirs]) for entry in table if isinstance(entry, Renamed)}


def _level(level: int) -> Iterator[Entry]:
    own = f"decoder.levels.{level}"
    yield from _styled(f"dec.convs.{2 * level}", f"{own}.upsampling")
    yield Kernel(f"dec.convs.{2 * level}.conv.blur.kernel", 4.0)
    yield from _styled(f"dec.convs.{2 * level + 1}", f"{own}.convolution")
    yield Renamed(f"dec.to_rgbs.{level}.bias", f"{own}.colour_bias", 1, 2)
    yield Kernel(f"dec.to_rgbs.{level}.upsample.kernel", 4.0)
    yield Renamed(f"dec.to_rgbs.{level}.conv.0.weight", f"{own}.colour.weight")
    yield Renamed(f"dec.to_rgbs.{level}.conv.1.bias", f"{own}.colour.bias", 1, 2)
    yield Renamed(f"dec.to_flows.{level}.bias", f"{own}.flow.bias", 1, 2)
    yield Kernel(f"dec.to_flows.{level}.upsample.kernel", 4.0)
    yield from _modulated(f"dec.to_flows.{level}.conv", f"{own}.flow")


def _styled(theirs: str, own: str) -> Iterator[Entry]:
    yield from _modulated(f"{theirs}.conv", own)
    yield Unused(f"{theirs}.noise.weight", (1,))
    yield Renamed(f"{theirs}.activate.bias", f"{own}.bias", 1, 2)


def _modulated(theirs: str, own: str) -> Iterator[Entry]:
    yield Renamed(f"{theirs}.weight", f"{own}.weight", 1)
    yield Renamed(f"{theirs}.modulation.weight", f"{own}.modulation.weight")
    yield Renamed(f"{theirs}.modulation.bias", f"{own}.modulation.bias")


def _count(names: Mapping[str, Any], pattern: str) -> int:
    return sum(1 for name in names if re.fullmatch(pattern, name))
