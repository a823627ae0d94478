"""Typed configuration: pydantic sections, YAML files, and `--set section.key=value`."""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from lia_bench.core.errors import InputError, UnknownNameError, UnreadableTextError
from lia_bench.core.suggestions import unknown_key
from lia_bench.core.text_files import read_text

LARGEST = 1e15
"""No setting is more: beyond it products overflow, and pixels, weights and iterations are counted in less."""


class Section(BaseModel):
    """A part of a configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Configuration = TypeVar("Configuration", bound=Section)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping."""
    try:
        values = parse_yaml(read_text(path))
    except UnreadableTextError as error:
        if error.missing:
            raise InputError(f"{path}: no such configuration file") from None
        raise InputError(f"{path}: not readable as YAML: {error.reason}") from error
    except ValueError as error:
        raise InputError(f"{path}: not readable as YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: a configuration file is a mapping of keys to values")
    return values


def parse_yaml(text: str) -> Any:
    """The value that a text in YAML stands for.

    Raises:
        ValueError: it is no YAML, nested too deeply, or holds a number or date that is none; one line.
    """
    try:
        value = yaml.safe_load(text)
        _refuse_immense(value)
        return value
    except RecursionError:
        reason = "it is nested too deeply"
    except yaml.YAMLError as error:
        reason = str(error)
    # What the library raises where a tag or a form promises a number, a date or bytes that are not there.
    except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
        # Python's own words for a number of thousands of digits name a setting of the interpreter.
        known = "a number has too many digits" if "int_max_str_digits" in str(error) else error
        reason = f"a value is not what it says it is ({known})"
    raise ValueError(" ".join(reason.split()))


def _refuse_immense(value: Any) -> None:
    """Raise ValueError where a number in nested values is finite and larger than any setting."""
    left, known = [value], set[int]()
    while left:
        part = left.pop()
        if isinstance(part, int | float) and LARGEST < abs(part) < math.inf:
            raise ValueError("a number is larger than any setting can be")
        # Lists of lists, all by name, may hold a few values more often than can be counted.
        if isinstance(part, dict | list) and id(part) not in known:
            known.add(id(part))
            left += part.values() if isinstance(part, dict) else part


def parse_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Nested mapping from texts such as 'loss.perceptual=5'; values are read as YAML.

    >>> parse_settings(["loss.perceptual=5", "loss.l1=0.5", "data.dataset=vox-256", "model.motion_dim=null"])
    {'loss': {'perceptual': 5, 'l1': 0.5}, 'data': {'dataset': 'vox-256'}, 'model': {'motion_dim': None}}
    """
    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set {setting}: write it as section.key=value")
        *sections, last = key.strip().split(".")
        target = values
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise InputError(f"--set {setting}: '{section}' already has a value")
        try:
            target[last] = parse_yaml(text)
        except ValueError as error:
            raise InputError(f"--set {setting[:80]}: the value is not readable: {error}") from error
    return values


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping from several, later layers winning key by key at every depth.

    >>> merge({"loss": {"l1": 1, "perceptual": 10}}, {"loss": {"l1": 2}})
    {'loss': {'l1': 2, 'perceptual': 10}}
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, Mapping) and isinstance(merged.get(key), dict):
                merged[key] = merge(merged[key], value)
            else:
                merged[key] = value
    return merged


def flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of nested sections with points between, as `--set` takes them, and their values."""
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def setting_changes(
    one: Mapping[str, Any], other: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, object, object]]:
    """Where nested sections differ: the key as of `flat`, and both values; None where one has none."""
    for key in dict.fromkeys([*one, *other]):
        first, second = one.get(key), other.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from setting_changes(first, second, f"{prefix}{key}.")
        elif first != second:
            yield f"{prefix}{key}", first, second


def validate(
    kind: type[Configuration], values: Mapping[str, Any], origin: str, also: Iterable[str] = ()
) -> Configuration:
    """`values` as a `kind`; a wrong key or value is one line that names `origin` and the nearest key.

    Args:
        also: keys that users may write and `kind` does not have, to be suggested as well.

    Raises:
        UnknownNameError: a key that `kind` does not have.
        InputError: a value of the wrong type or outside its range.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        if first["type"] == "extra_forbidden":
            typed = path
            inner = first["input"]
            while isinstance(inner, Mapping) and inner:
                name, inner = next(iter(inner.items()))
                typed = [*typed, str(name)]
            known = [*keys_of(kind), *also]
            raise UnknownNameError(f"{origin}: {unknown_key('.'.join(typed), len(path) - 1, known)}") from None
        raise InputError(f"{origin}: {'.'.join(path) or 'configuration'}: {first['msg']}") from None


def keys_of(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a configuration with points between, as `--set` takes them, those of optional sections included."""
    for name, field in kind.model_fields.items():
        sections = [one for one in (field.annotation, *get_args(field.annotation)) if _is_section(one)]
        if sections:
            yield from (key for section in sections for key in keys_of(section, f"{prefix}{name}."))
        else:
            yield f"{prefix}{name}"


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
