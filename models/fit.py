"""Weights into a network that draws none before; where they do not fit, what differs and which variant they suit."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lia_bench.core.configuration import Section, merge, read_yaml, setting_changes, validate
from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.core.registry import load_attribute
from lia_bench.models.authors_layout import authors_layout, first_names, named_as_in_file
from lia_bench.models.specification import ModelSpecification
from lia_bench.models.training.configuration import ModelConfiguration

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

# Counts training steps for running averages; torch 0.3 and older have none, and nothing that is rendered reads it.
COUNTER = "num_batches_tracked"


class NothingDrawn(TorchFunctionMode):
    """Inside, what would be drawn is 0: a checkpoint replaces it all, and of a large network it takes seconds.

    What has a generator of its own is drawn: the same each time, it need not be in a checkpoint.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if named.get("generator") is not None:
            return func(*args, **named)
        if func in _DRAWN:
            return torch.zeros(*args, **named)
        if func in _DRAWN_IN_PLACE:
            tensor: Tensor = args[0] if args else named["tensor"]
            return tensor.detach().zero_()
        return func(*args, **named)


_DRAWN = {torch.rand, torch.randn}
# Those of torch.nn.init that hand over to a mode, and what the others call.
_DRAWN_IN_PLACE = {Tensor.uniform_, Tensor.normal_, nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_}


@dataclass(frozen=True)
class Blueprint:
    """A network without numbers: names and shapes of the variants that are built alike."""

    variants: tuple[str, ...]
    state: dict[str, Tensor]


@dataclass(frozen=True)
class Differences:
    """What keeps weights from fitting.

    Attributes:
        missing: names that the network has and the weights have not.
        unknown: names that the weights have and the network has not.
        reshaped: by name, the shape there is and the shape there should be.
    """

    missing: list[str]
    unknown: list[str]
    reshaped: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    @classmethod
    def between(cls, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> "Differences":
        """What keeps `found` from fitting a network whose state is `expected`."""
        return cls(
            missing=[name for name in expected if name not in found and not name.endswith(COUNTER)],
            unknown=[name for name in found if name not in expected],
            reshaped={
                name: (tuple(value.shape), tuple(expected[name].shape))
                for name, value in found.items()
                if name in expected and value.shape != expected[name].shape
            },
        )

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown or self.reshaped)

    def __str__(self) -> str:
        parts = [
            f"{first_names(self.missing)} missing" if self.missing else "",
            f"{first_names(self.unknown)} unknown" if self.unknown else "",
            self._shape(),
        ]
        return "; ".join(filter(None, parts))

    def first(self) -> str:
        """The first of them in a few words; shapes say most."""
        return self._shape() or (f"{self.missing[0]} missing" if self.missing else f"{self.unknown[0]} unknown")

    def _shape(self) -> str:
        for name, (found, expected) in self.reshaped.items():
            return f"{name} has shape {found} where this variant has {expected}"
        return ""


def blueprints(specification: ModelSpecification) -> Iterator[Blueprint]:
    """The networks of a model, one for all variants that are configured alike; nothing is allocated."""
    kind = load_attribute(specification.configuration)
    groups: list[tuple[ModelConfiguration, list[str]]] = []
    for variant in _default_first(specification):
        published = read_yaml(specification.variants / f"{variant}.yaml") if specification.variants else {}
        configuration: ModelConfiguration = validate(kind, published, f"{specification.name}:{variant}")
        alike = next((names for other, names in groups if other.model == configuration.model), None)
        if alike is None:
            groups.append((configuration, [variant]))
        else:
            alike.append(variant)
    for configuration, names in groups:
        yield Blueprint(tuple(names), _shapes(specification, configuration))


def fitting_variants(specification: ModelSpecification, state: Mapping[str, Tensor]) -> list[str]:
    """The variants whose networks take `state`, the default first."""
    fitting = (
        blueprint.variants for blueprint in blueprints(specification) if not Differences.between(state, blueprint.state)
    )
    return [variant for variants in fitting for variant in variants]


def fill(
    animator: "Animator",
    state: Mapping[str, Tensor],
    *,
    specification: ModelSpecification,
    variant: str,
    configuration: ModelConfiguration,
    trained: ModelConfiguration,
    path: Path,
    content: Mapping[str, Any] | None = None,
) -> None:
    """Load `state`, read from `path`, into an animator of that variant.

    Args:
        configuration: that the animator was built by, changed fields included.
        trained: without the changes: what the checkpoint says, or the variant as it is published.
        content: of the authors' file that `state` was made from, for messages in its names.

    Raises:
        CheckpointError: it does not fit; the text names the first entries that differ and the variant that fits. Or
            a weight is infinite, NaN, or of another type than the network's.
    """
    expected = animator.state_dict()
    differences = Differences.between(state, expected)
    if differences:
        named = _in_names_of_the_file(specification, content, expected) if content is not None else None
        reason = _misfit(specification, variant, configuration, trained, state, named or differences)
        raise CheckpointError(f"{path}: {reason}")
    rendered = {name: value for name, value in state.items() if not name.endswith(COUNTER)}
    refuse_other_types(rendered, expected, path)
    refuse_damaged_numbers(state, path)
    counters = {name: value for name, value in expected.items() if name.endswith(COUNTER)}
    animator.load_state_dict({**counters, **state})


def refuse_other_types(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Raise CheckpointError where a weight is no number of the network's kind, such as an integer for a fraction."""
    for name, value in state.items():
        own = expected[name]
        if value.is_floating_point() != own.is_floating_point() or value.is_complex() != own.is_complex():
            found, needed = (str(tensor.dtype).removeprefix("torch.") for tensor in (value, own))
            raise CheckpointError(
                f"{path}: {name} is stored as {found} where the network has {needed}: "
                "fetch or train it again, or store it as it was trained"
            )


def refuse_damaged_numbers(state: Mapping[str, Tensor], path: Path) -> None:
    """Raise CheckpointError where a weight is no finite number: what it renders is black or noise."""
    for name, value in state.items():
        if value.is_floating_point() and not (finite := value.isfinite()).all():
            count = int(value.numel() - finite.sum())
            raise CheckpointError(
                f"{path}: {count} of the {value.numel()} numbers of {name} are infinite or no numbers (NaN), "
                "as training leaves them that diverged: take an earlier checkpoint, or fetch the file again"
            )


def listed(model: str, variants: Sequence[str]) -> str:
    """Variants as users write them: 'fomm:vox-256, fomm:bair-256 and 5 more'; the model alone without any."""
    names = [f"{model}:{variant}" for variant in variants if variant]
    rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f"{', '.join(names[:2])}{rest}" if names else model


def _misfit(
    specification: ModelSpecification,
    variant: str,
    configuration: ModelConfiguration,
    trained: ModelConfiguration,
    state: Mapping[str, Tensor],
    differences: Differences,
) -> str:
    name = specification.name
    asked = listed(name, [variant])
    changes = _changes(configuration, trained)
    if changes and not Differences.between(state, _shapes(specification, trained)):
        return f"does not fit {asked}: {changes} (weights fit the network alone that they were trained in)"
    fitting = fitting_variants(specification, state)
    if variant in fitting:
        return f"fits {asked} as it is published and not with the fields that were changed: {differences.first()}"
    if fitting:
        return f"does not fit {asked} ({differences.first()}): it fits the variant {listed(name, fitting)}"
    for left_out, smaller in _without_optional_networks(specification, configuration):
        if not Differences.between(state, _shapes(specification, smaller)):
            fields = ", ".join(f"{field}=None" for field in left_out)
            return f"does not fit {asked} ({differences.first()}): it fits with {fields}"
    return f"fits neither {asked} nor another variant: {differences}"


def _changes(configuration: ModelConfiguration, trained: ModelConfiguration) -> str:
    changed = setting_changes(trained.model.model_dump(), configuration.model.model_dump())
    return ", ".join(f"{name}={given} was given where it has {before}" for name, before, given in changed)


def _without_optional_networks(
    specification: ModelSpecification, configuration: ModelConfiguration
) -> Iterator[tuple[tuple[str, ...], ModelConfiguration]]:
    """Configurations in which one or several networks that a model can do without are left out."""
    sections = [name for name, value in configuration.model if isinstance(value, Section)]
    subsets = chain.from_iterable(combinations(sections, count) for count in range(1, len(sections) + 1))
    for fields in subsets:
        absent = {"model": dict.fromkeys(fields)}
        with contextlib.suppress(InputError):
            values = merge(configuration.model_dump(mode="json"), absent)
            yield fields, validate(load_attribute(specification.configuration), values, specification.name)


def _shapes(specification: ModelSpecification, configuration: ModelConfiguration) -> dict[str, Tensor]:
    kind = load_attribute(specification.animator)
    try:
        with torch.device("meta"):
            return _state(kind, configuration)
    # A plug-in's constructor may need numbers.
    except (NotImplementedError, RuntimeError):
        return _state(kind, configuration)


def _state(kind: "Callable[[Section], Animator]", configuration: ModelConfiguration) -> dict[str, Tensor]:
    return kind(configuration.model).state_dict()


def _in_names_of_the_file(
    specification: ModelSpecification, content: Mapping[str, Any], expected: Mapping[str, Tensor]
) -> Differences | None:
    layout = authors_layout(specification)
    theirs = layout.authors_content(expected) if layout else None
    if theirs is None:
        return None
    asked = named_as_in_file(theirs)
    # A flat file has its networks' names before the entries'.
    found = named_as_in_file({name: part for name, part in content.items() if name in theirs} or content)
    return Differences.between(found, asked) if found.keys() & asked.keys() else None


def _default_first(specification: ModelSpecification) -> list[str]:
    names = specification.variant_names()
    return sorted(names, key=lambda name: name != specification.default_variant) or [""]
