"""Torch files of weights, read without running any code in them."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from lia_bench.core.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def load_torch_weights(path: Path) -> "dict[str, Tensor]":
    """The state dict in a torch file, on the CPU; no code in the file is run.

    Raises:
        CheckpointError: the file is damaged, holds code, or holds something else than named tensors.
    """
    return _named_tensors(_read(path), path)


def load_torch_weights_of_training(path: Path) -> "dict[str, Tensor]":
    """The network's state dict in a torch file that a training loop left, on the CPU; no code in the file is run.

    Such a file is a dictionary whose `state_dict` is the network's, each key behind `module.` where the network ran on
    several devices; what else is in it (epoch, optimizer) is left out.

    Raises:
        CheckpointError: the file is damaged, holds code, or holds something else than this.
    """
    content = _read(path)
    if not isinstance(content, dict) or "state_dict" not in content:
        raise CheckpointError(f"{path}: this file holds no 'state_dict'")
    state = _named_tensors(content["state_dict"], path)
    return {key.removeprefix("module."): value for key, value in state.items()}


def _read(path: Path) -> object:
    import torch

    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise CheckpointError(
            f"{path}: not a readable file of tensors alone, so it was refused and nothing in it was run: fetch it again"
        ) from error
    return content


def _named_tensors(content: object, path: Path) -> "dict[str, Tensor]":
    import torch

    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise CheckpointError(f"{path}: this file holds something else than named tensors")
    return content


def fill_network(network: "Module", state: "dict[str, Tensor]", path: Path) -> None:
    """Load the state dict that the file `path` holds into a network.

    Raises:
        CheckpointError: its keys or shapes are not the network's; the text names the first that differ.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        difference = str(error).splitlines()[1].strip()
        raise CheckpointError(f"{path}: not the weights of {type(network).__name__}: {difference[:160]}") from error
