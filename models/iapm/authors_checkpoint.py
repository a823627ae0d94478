"""The layout of the checkpoint files that IAPM's authors' code writes."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lia_bench.models.authors_layout import (
    RenamedNetwork,
    RenamedNetworks,
    StateRenaming,
    block_names,
    hourglass_names,
    residual_names,
)

# Their generator carries an encoder that no forward pass reads; it mirrors the decoder of the coarse frame.
_UNREAD = "down_blocks."

_GENERATOR = StateRenaming(
    (
        *hourglass_names("mask_fix_net", "refinement.network"),
        ("ref.*", "refinement.mask.*"),
        *block_names("first", "low_resolution.stem"),
        *residual_names("bottleneck.r*", "low_resolution.residual.*"),
        *block_names("up_blocks.*", "low_resolution.up.*"),
        ("final.*", "low_resolution.output.*"),
        *hourglass_names("hourglass", "high_resolution.hourglass"),
        ("final_hourglass.*", "high_resolution.output.*"),
    )
)
_MASK_GENERATOR = StateRenaming(
    (
        *hourglass_names("predictor", "network"),
        ("ref.*", "mask.*"),
        ("down.weight", "downsample.weight"),
    )
)
_NETWORKS = RenamedNetworks(
    RenamedNetwork("generator", "generator", _GENERATOR),
    RenamedNetwork("mask_generator", "mask_generator", _MASK_GENERATOR),
)


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of an IapmAnimator from the content of the authors' file.

    Args:
        content: state dicts under "generator" and "mask_generator", optimisers, "epoch".

    Returns:
        None where a network or a name is not IAPM's. Shapes are not looked at.
    """
    generator = content.get("generator")
    if not isinstance(generator, Mapping):
        return None
    read = {name: value for name, value in generator.items() if not name.startswith(_UNREAD)}
    return _NETWORKS.to_ours({**content, "generator": read})


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """An IapmAnimator's state dict in the authors' layout, without optimisers; else None.

    Entries that their forward pass never reads become zeros: they leave every picture as it is.
    """
    content = _NETWORKS.to_theirs(state)
    if content is None:
        return None
    content["generator"] |= _unread(content["generator"])
    return content


def _unread(generator: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Zeros for the encoder that nothing reads: the decoder's blocks in reverse, inputs and outputs exchanged."""
    weights = [value for name, value in generator.items() if name.startswith("up_blocks.") and value.ndim == 4]
    entries: dict[str, Tensor] = {}
    for index, weight in enumerate(reversed(weights)):
        block = f"{_UNREAD}{index}"
        zeros = weight.new_zeros(weight.shape[1])
        entries[f"{block}.conv.weight"] = weight.transpose(0, 1).clone().zero_()
        entries[f"{block}.conv.bias"] = zeros.clone()
        for name in ("weight", "bias", "running_mean", "running_var"):
            entries[f"{block}.norm.{name}"] = zeros.clone()
        entries[f"{block}.norm.num_batches_tracked"] = generator[f"up_blocks.{index}.norm.num_batches_tracked"].clone()
    return entries
