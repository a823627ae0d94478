"""The authors' checkpoint layout, in both directions: one table of all their entries."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.blocks.entry_table import (
    Entry,
    Kernel,
    Renamed,
    Unused,
    count_names,
    from_table,
    modulated_table,
    to_table,
)

# The generator's state dict is under this key; their trainer stored optimisers and more beside it.
GENERATOR = "gen"


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
    return from_table("LIA", generator_table(count_names(state, r"dec\.to_flows\.\d+\.bias")), state)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A LiaAnimator's state dict in the authors' layout, without discriminator and optimisers; else None.

    None as well for the ablation without a motion dictionary, which their published code cannot hold.
    Entries that their forward pass never reads become zeros: they leave every picture as it is.
    """
    if not {"decoder.constant", "dictionary.weight"} <= state.keys():
        return None
    levels = count_names(state, r"decoder\.levels\.\d+\.colour_bias")
    width = state["decoder.constant"].shape[1]
    return {GENERATOR: to_table(generator_table(levels), state, width)}


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
    yield from modulated_table(f"dec.to_flows.{level}.conv", f"{own}.flow")


def _styled(theirs: str, own: str) -> Iterator[Entry]:
    yield from modulated_table(f"{theirs}.conv", own)
    yield Unused(f"{theirs}.noise.weight", (1,))
    yield Renamed(f"{theirs}.activate.bias", f"{own}.bias", 1, 2)
