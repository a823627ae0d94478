"""The layout of the file that LIA-X's authors published: the generator's plain state dict."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.models.blocks.entry_table import (
    Entry,
    Kernel,
    Renamed,
    count_names,
    from_table,
    modulated_table,
    to_table,
)
from lia_bench.models.card import read_card

# LIA's files have the generator under this key; LIA-X's have it bare.
GENERATOR = "gen"
# Length of the code, and directions.
PUBLISHED_DICTIONARY = (1024, 40)


def generator_table(levels: int, blocks: int) -> list[Entry]:
    """Every entry of their generator with `levels` decoder levels (seven at 512x512), each of `blocks` blocks."""
    # Their encoder's blocks are numbered from the picture down, but for the last, which has the name of a size.
    names = [*(f"block{number}.0" for number in range(2, levels + 1)), "block_512"]
    return [
        Renamed("enc.enc_2r.block1.0.weight", "encoder.stem.weight"),
        Renamed("enc.enc_2r.block1.1.bias", "encoder.stem.bias"),
        *(entry for number, name in enumerate(names) for entry in _halving(name, number)),
        Renamed("enc.enc_2r.block8.weight", "encoder.head.weight"),
        *(Renamed(f"enc.enc_r2t.0.{part}", f"magnitude_head.{part}") for part in ("weight", "bias")),
        Renamed("dec.direction.weight", "dictionary.weight"),
        Renamed("dec.input.input", "decoder.constant"),
        *_styled("dec.conv1", "decoder.first"),
        *(entry for level in range(levels) for entry in _level(level, blocks)),
    ]


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of a LiaxAnimator from the content of the authors' file, bare or under "gen"; else None.

    Raises:
        CheckpointError: the layout is theirs, but an entry is missing, unknown or not what it must be.
    """
    state = content.get(GENERATOR, content)
    if not isinstance(state, Mapping) or not {"dec.direction.weight", "enc.enc_r2t.0.weight"} <= state.keys():
        return None
    levels = count_names(state, r"dec\.flow(\d|_512)\.bias")
    return from_table("LIA-X", generator_table(levels, count_names(state, r"dec\.conv_512_2\.\d+\.gamma")), state)


def model_settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """The names of the directions, where the file has the published shape: the authors trained one model of it."""
    state = content.get(GENERATOR, content)
    if tuple(state["dec.direction.weight"].shape) != PUBLISHED_DICTIONARY:
        return {}
    controls = read_card(Path(__file__).parent / "card.yaml").controls
    return {"controls": [control.model_dump() for control in controls]}


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """A LiaxAnimator's state dict in the authors' layout, under "gen"; None for another model's."""
    if not {"decoder.constant", "magnitude_head.weight", "decoder.levels.0.colour_bias"} <= state.keys():
        return None
    levels = count_names(state, r"decoder\.levels\.\d+\.colour_bias")
    blocks = count_names(state, r"decoder\.levels\.0\.flow_blocks\.\d+\.share")
    return {GENERATOR: to_table(generator_table(levels, blocks), state, state["decoder.constant"].shape[1])}


def write_files(content: Mapping[str, Mapping[str, Tensor]], output: Path) -> None:
    """Write the generator's state dict as it was published, bare."""
    torch.save(dict(content[GENERATOR]), output)


def _halving(name: str, number: int) -> Iterator[Entry]:
    theirs, own = f"enc.enc_2r.{name}", f"encoder.blocks.{number}"
    yield Renamed(f"{theirs}.conv1.0.weight", f"{own}.first.weight")
    yield Renamed(f"{theirs}.conv1.1.bias", f"{own}.first.bias")
    yield Kernel(f"{theirs}.conv2.0.kernel", 1.0)
    yield Renamed(f"{theirs}.conv2.1.weight", f"{own}.second.weight")
    yield Renamed(f"{theirs}.conv2.2.bias", f"{own}.second.bias")
    yield Kernel(f"{theirs}.skip.0.kernel", 1.0)
    yield Renamed(f"{theirs}.skip.1.weight", f"{own}.shortcut.weight")


def _level(level: int, blocks: int) -> Iterator[Entry]:
    # Their levels are called 512, 2, 3, ..., which are no sizes; the coarsest is 8x8.
    name, head = ("conv_512", "_512") if level == 0 else (f"conv{level + 1}", str(level + 1))
    own = f"decoder.levels.{level}"
    yield from _styled(f"dec.{name}_1", f"{own}.upsampling")
    yield Kernel(f"dec.{name}_1.conv.blur.kernel", 4.0)
    for block in range(blocks):
        theirs, ours = f"dec.{name}_2.{block}", f"{own}.flow_blocks.{block}"
        yield Renamed(f"{theirs}.gamma", f"{ours}.share")
        yield Renamed(f"{theirs}.norm.weight", f"{ours}.normalisation.weight")
        yield Renamed(f"{theirs}.norm.bias", f"{ours}.normalisation.bias")
        yield from _styled(f"{theirs}.conv1", f"{ours}.first")
        yield from _styled(f"{theirs}.conv2", f"{ours}.second")
    yield from _painting(f"dec.{name}_2", own, blocks, refined=level > 0)
    yield Renamed(f"dec.flow{head}.bias", f"{own}.flow.bias", 1, 2)
    yield Kernel(f"dec.flow{head}.up.kernel", 4.0)
    yield from modulated_table(f"dec.flow{head}.conv", f"{own}.flow")
    yield Renamed(f"dec.rgb{head}.bias", f"{own}.colour_bias", 1, 2)
    yield Kernel(f"dec.rgb{head}.up.kernel", 4.0)
    yield Renamed(f"dec.rgb{head}.conv.0.weight", f"{own}.colour.weight")
    yield Renamed(f"dec.rgb{head}.conv.1.bias", f"{own}.colour.bias")


def _painting(theirs: str, own: str, blocks: int, *, refined: bool) -> Iterator[Entry]:
    if refined:
        yield Kernel(f"{theirs}_up.0.kernel", 4.0)
        yield Renamed(f"{theirs}_up.1.weight", f"{own}.refine.1.weight")
        yield Renamed(f"{theirs}_up.2.bias", f"{own}.refine.1.bias")
    for block in range(blocks):
        for number, name in (("1", "first"), ("2", "second")):
            convolution = f"{theirs}_rgb.{block}.conv{number}"
            yield Renamed(f"{convolution}.0.weight", f"{own}.colour_blocks.{block}.{name}.weight")
            yield Renamed(f"{convolution}.1.bias", f"{own}.colour_blocks.{block}.{name}.bias")


def _styled(theirs: str, own: str) -> Iterator[Entry]:
    yield from modulated_table(f"{theirs}.conv", own)
    yield Renamed(f"{theirs}.activate.bias", f"{own}.bias")
