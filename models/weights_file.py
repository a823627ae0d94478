"""A file of weights as people have it: torch's or safetensors', of any precision, saved from within any wrapper."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import without_wrappers
from lia_bench.models.authors_layout import FolderLayout, authors_layout
from lia_bench.models.checkpoint import read_pickle
from lia_bench.models.specification import ModelSpecification

# A zip archive or a pickle begins otherwise; safetensors begin with the length of a JSON header, and that header.
_HEADER_AT = 8


def read_authors(specification: ModelSpecification, path: Path) -> dict[str, Any]:
    """The content of the file at `path`, or of the folder where the authors published several files.

    Raises:
        CheckpointError: there is no such file, it is damaged, or no dict inside; or a file of the folder is missing.
    """
    layout = authors_layout(specification)
    if path.is_dir() and isinstance(layout, FolderLayout):
        try:
            files = layout.files_in(path)
        except CheckpointError as error:
            raise CheckpointError(f"{path}: {error}") from error
        if files:
            return {name: read_weights_file(file) for name, file in files.items()}
    return read_weights_file(path)


def read_weights_file(path: Path) -> dict[str, Any]:
    """The content of a file of weights, told by its first bytes, on the CPU.

    Returns:
        Names and state dicts of networks, or of tensors where they lie flat; without what DataParallel and
        torch.compile put before names. Weights in half, bfloat16 or double precision are float32; other entries
        (optimisers, counts) are as they are.

    Raises:
        UnsafeCheckpointError: a pickle that names code to run; nothing of it was run.
        CheckpointError: there is no such file, it is damaged, or no dict inside.
    """
    content = _read_safetensors(path) if _is_safetensors(path) else read_pickle(path)
    return {name: _plain(part) for name, part in without_wrappers(content).items()}


def by_networks(content: Mapping[str, Any]) -> dict[str, Any]:
    """A flat state dict whose names begin with their network's, as the state dicts of those networks."""
    networks: dict[str, dict[str, Any]] = {}
    for name, value in content.items():
        network, _, inner = name.partition(".")
        networks.setdefault(network, {})[inner] = value
    return {network: without_wrappers(part) for network, part in networks.items()}


def _is_safetensors(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(_HEADER_AT + 1)[_HEADER_AT:] == b"{"


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: damaged or cut short ({error}): fetch or train it again") from error


def _plain(part: Any) -> Any:
    if isinstance(part, Mapping) and all(isinstance(name, str) for name in part):
        return {name: _single_precision(value) for name, value in without_wrappers(part).items()}
    return _single_precision(part)


def _single_precision(value: Any) -> Any:
    return value.to(torch.float32) if isinstance(value, Tensor) and value.is_floating_point() else value
