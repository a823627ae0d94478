"""What a file of weights is of: the authors' layout, a bare state dict, another model's, a part of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from lia_bench.core.errors import CheckpointError
from lia_bench.models.authors_layout import authors_layout, named_as_in_file
from lia_bench.models.fit import Blueprint, Differences, blueprints, fitting_variants, listed
from lia_bench.models.registry import MODELS
from lia_bench.models.specification import ModelSpecification
from lia_bench.models.weights_file import by_networks

# The share of names in common from which on a file is taken for a damaged or changed one of that kind, and from which
# on no other model is looked at: FOMM's descendants share many names.
ALIKE = 0.5
SURELY = 0.9


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
