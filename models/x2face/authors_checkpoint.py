"""The layout of the checkpoint files that X2Face's authors published."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.authors_layout import StateRenaming, first_names

# Their name of a network and ours.
_NETWORKS = (("pix2pixUnwrapped", "embedding_network"), ("pix2pixSampler", "driving_network"))
_OUTERMOST = tuple(f"{theirs}.netG.model.down.0.weight" for theirs, _ in _NETWORKS)
_POSE = StateRenaming(
    (
        ("posefrombottle.*", "pose.*"),
        ("0.weight", "vector.weight"),
        ("1.*", "normalisation.*"),
    )
)
_POSE_NAMES = {
    "pose.weight",
    "pose.bias",
    "vector.weight",
    *(f"normalisation.{part}" for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
}


def animator_state(content: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """The state dict of an X2FaceAnimator from the content of the authors' file.

    Args:
        content: the whole face model under "state_dict"; "optimizer" and others may lie beside it.

    Returns:
        None where it is no such file. Shapes are not looked at.

    Raises:
        CheckpointError: the layout is theirs, but has an unknown entry.
    """
    state = content.get("state_dict")
    if not isinstance(state, Mapping) or not state.keys() >= set(_OUTERMOST):
        return None
    levels = 1 + max(name.count(".submodule") for name in state)
    names = StateRenaming(tuple(_names(levels)))
    renamed = names.to_ours(state)
    if renamed is None:
        unknown = first_names(name for name in state if names.to_ours({name: state[name]}) is None)
        raise CheckpointError(f"a checkpoint of X2Face's layout has an unknown entry {unknown}: take it as published")
    return _with_counters(renamed)


def authors_content(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
    """An X2FaceAnimator's state dict in the authors' layout, without optimiser; None where it is no such state."""
    levels = [int(found[1]) for name in state if (found := re.match(r"embedding_network\.down\.(\d+)\.", name))]
    renamed = StateRenaming(tuple(_names(1 + max(levels, default=0)))).to_theirs(state)
    return None if renamed is None else {"state_dict": renamed}


def pose_mapping_state(
    vector_to_pose: Mapping[str, Any], pose_to_vector: Mapping[str, Any]
) -> dict[str, Tensor] | None:
    """The state dict of a PoseMapping from the contents of posereg.pth and posetobottle.pth; None for others."""
    parts = [content.get("state_dict") for content in (vector_to_pose, pose_to_vector)]
    if not all(isinstance(part, Mapping) for part in parts):
        return None
    renamed = [_POSE.to_ours(part) for part in parts if isinstance(part, Mapping)]
    state = _with_counters({name: value for part in renamed if part for name, value in part.items()})
    return state if state.keys() == _POSE_NAMES else None


def _names(levels: int) -> Iterator[tuple[str, str]]:
    for theirs, ours in _NETWORKS:
        for level in range(levels):
            their_level = f"{theirs}.netG.model{'.submodule' * level}"
            # An activation stands first, except where the picture itself comes in.
            yield f"{their_level}.down.{min(level, 1)}.weight", f"{ours}.down.{level}.convolution.weight"
            yield f"{their_level}.down.2.*", f"{ours}.down.{level}.normalisation.*"
            yield f"{their_level}.up.2.weight", f"{ours}.up.{level}.convolution.weight"
            yield f"{their_level}.up.3.*", f"{ours}.up.{level}.normalisation.*"


def _with_counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """With the batch counters that files of torch 0.2 lack; nothing reads them, since the momentum is fixed."""
    counters = {
        name.replace("running_mean", "num_batches_tracked"): torch.tensor(0)
        for name in state
        if name.endswith("running_mean")
    }
    return {**counters, **state}
