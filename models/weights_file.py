"""A file of weights as people have it: torch's or safetensors', of any precision, saved from within any wrapper.

And what it is of: the authors' layout, a bare state dict, another model's, a part of one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.core.torch_weights import without_wrappers
from lia_bench.models.authors_layout import FolderLayout, authors_layout, named_as_in_file
from lia_bench.models.checkpoint import read_pickle
from lia_bench.models.fit import Blueprint, Differences, blueprints, fitting_variants, listed
from lia_bench.models.specification import MODELS, ModelSpecification

# A zip archive or a pickle begins otherwise; safetensors begin with the length of a JSON header, and that header.
_HEADER_AT = 8

# The share of names in common from which on a file is taken for a damaged or changed one of that kind, and from which
# on no other model is looked at: FOMM's descendants share many names.
ALIKE = 0.5
SURELY = 0.9


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


@dataclass(frozen=True)
class _Kind:
    """Something that a file may hold: names and shapes in full, of a model's variants.

    Attributes:
        network: of the authors' file, where this is one network of several, without the others.
    """

    model: str
    blueprint: Blueprint
    expected: Mapping[str, Tensor]
    network: str = ""

    def likeness(self, found: Mapping[str, Tensor]) -> float:
        """The share of names that are in both, of all in either; 1 where all are."""
        return len(found.keys() & self.expected.keys()) / max(1, len(found.keys() | self.expected.keys()))

    def shapes_alike(self, found: Mapping[str, Tensor]) -> int:
        """How many names have the same shape in both."""
        return sum(name in found and found[name].shape == value.shape for name, value in self.expected.items())


def state_in_file(specification: ModelSpecification, content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The animator's state dict from the content of the file at `path`; shapes are not looked at.

    Args:
        content: of the authors' layout, their networks apart or in one flat state dict (`gen.*`); or of a bare state
            dict, ours or that of their one network.

    Raises:
        CheckpointError: it is something else; the text says what, and of which model and variant.
    """
    layout = authors_layout(specification)
    try:
        state = layout.animator_state(content) if layout else None
        if state is None and _is_bare(content):
            state = _bare_state(specification, content)
            if state is None and layout:
                state = layout.animator_state(by_networks(content))
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if state is None:
        raise CheckpointError(f"{path}: {_found(content, specification, path)}")
    return state


def _is_bare(content: Mapping[str, Any]) -> bool:
    return bool(content) and all(isinstance(value, Tensor) for value in content.values())


def _bare_state(specification: ModelSpecification, content: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    layout = authors_layout(specification)
    for blueprint in blueprints(specification):
        if _Kind(specification.name, blueprint, blueprint.state).likeness(content) >= ALIKE:
            return dict(content)
        theirs = (layout.authors_content(blueprint.state) if layout else None) or {}
        for network, expected in theirs.items():
            if len(theirs) == 1 and _Kind(specification.name, blueprint, expected).likeness(content) >= ALIKE:
                return layout.animator_state({network: content}) if layout else None
    return None


def _found(content: Mapping[str, Any], asked: ModelSpecification, path: Path) -> str:
    """What a file is whose layout is not that of the model asked for, in words."""
    another = f"not a checkpoint of {asked.name}, but"
    networks = by_networks(content) if _is_bare(content) else content
    for name, specification in MODELS.items():
        layout = authors_layout(specification)
        try:
            state = layout.animator_state(networks) if layout else None
        except CheckpointError as error:
            return f"{another} one of {name} that is damaged: {error}"
        if state is not None:
            return f"{another} {_whole(name, fitting_variants(specification, state), path)}"
    found = named_as_in_file(content)
    nearest = _nearest(_kinds(asked), found)
    if nearest is None or nearest.likeness(found) < SURELY:
        nearest = _nearest((kind for specification in MODELS.values() for kind in _kinds(specification)), found)
    if nearest is None or nearest.likeness(found) < ALIKE:
        return f"{another} no known layout (keys: {', '.join(map(str, content))[:80]})"
    variants = listed(nearest.model, nearest.blueprint.variants)
    if nearest.network:
        return f"the network '{nearest.network}' of {variants} alone: take the file that has all networks"
    differences = Differences.between(found, nearest.expected)
    if differences:
        return f"a changed or damaged checkpoint of {variants}: {differences}"
    return f"{another} {_whole(nearest.model, nearest.blueprint.variants, path)}"


def _whole(model: str, variants: Sequence[str], path: Path) -> str:
    return f"a checkpoint of {listed(model, variants)}: load it as {listed(model, variants[:1])}@{path}"


def _nearest(kinds: Iterator[_Kind], found: Mapping[str, Tensor]) -> _Kind | None:
    return max(kinds, key=lambda kind: (kind.likeness(found), kind.shapes_alike(found)), default=None)


def _kinds(specification: ModelSpecification) -> Iterator[_Kind]:
    name, layout = specification.name, authors_layout(specification)
    for blueprint in blueprints(specification):
        yield _Kind(name, blueprint, blueprint.state)
        theirs = (layout.authors_content(blueprint.state) if layout else None) or {}
        yield _Kind(name, blueprint, named_as_in_file(theirs))
        for network, expected in theirs.items():
            yield _Kind(name, blueprint, expected, network if len(theirs) > 1 else "")
