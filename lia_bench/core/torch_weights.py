"""Torch files of weights, read without running any code in them."""

import pickle
import re
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lia_bench.core.errors import CheckpointError
from lia_bench.core.weights import locate

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module

Network = TypeVar("Network", bound="Module")
Value = TypeVar("Value")
# What torch's DataParallel, DistributedDataParallel and compiler put before the names of what they wrap.
PARALLEL, COMPILED = "module.", "_orig_mod."
# Numpy's codes of plain numbers, as struct calls them.
_NUMBERS = {"b1": "?", "f2": "e", "f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q"}
_NUMBERS |= {"u1": "B", "u2": "H", "u4": "I", "u8": "Q"}


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
    return without_wrappers(state)


def without_wrappers(part: Mapping[str, Value]) -> dict[str, Value]:
    """Names as they are in the network itself, where it was saved from within torch's wrappers.

    `_orig_mod.` is the compiler's anywhere in a name; `module.` may be a network's own unless all names begin with it.
    """
    plain = {re.sub(rf"(^|\.){re.escape(COMPILED)}", r"\1", str(name)): value for name, value in part.items()}
    while plain and all(name.startswith(PARALLEL) for name in plain):
        plain = {name.removeprefix(PARALLEL): value for name, value in plain.items()}
    return plain


class _NumberType:
    """Stands for numpy's dtype while a file is read, and knows plain numbers alone."""

    def __init__(self, code: str, align: bool = False, copy: bool = True) -> None:
        if code not in _NUMBERS:
            raise pickle.UnpicklingError("Unsupported global: GLOBAL numpy.dtype of no plain number")
        self.format = _NUMBERS[code]
        self.order = "<"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.order = ">" if state[1] == ">" else "<"


def _number(kind: object, content: object) -> float | int | bool:
    if not isinstance(kind, _NumberType) or not isinstance(content, bytes):
        raise pickle.UnpicklingError("Unsupported global: GLOBAL numpy.core.multiarray.scalar of no plain number")
    try:
        (number,) = struct.unpack(kind.order + kind.format, content)
    except struct.error as error:
        raise pickle.UnpicklingError(f"a number of another length than its type: {error}") from error
    return number  # type: ignore[no-any-return]


NUMPY_NUMBERS: tuple[tuple[Callable[..., object], str], ...] = (
    (_NumberType, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
)
"""For torch's `safe_globals`: numpy's numbers, such as a best loss beside the weights, are read as Python's.

Numpy itself is not called; arrays, texts and objects of numpy stay refused.
"""


def _read(path: Path) -> object:
    import torch

    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Where a pickle is damaged decides what its reader runs into.
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


def with_published_weights(
    network: Network,
    name: str,
    device: "torch.device",
    read: "Callable[[Path], dict[str, Tensor]]" = load_torch_weights,
) -> Network:
    """The network, filled with the weights called `name` and read by `read`, on the device and ready to be used.

    Raises:
        MissingWeightsError: the weights are not here.
        CheckpointError: they are not the published ones, or another network's.
    """
    path = locate(name)
    fill_network(network, read(path), path)
    return network.to(device).requires_grad_(False).eval()
