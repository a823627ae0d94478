"""Keys of settings: as configurations have them, from what users or a model's paper call them."""

from collections.abc import Mapping
from typing import Any

from lia_bench.core.configuration import merge
from lia_bench.models.training.configuration import ModelConfiguration


def own_key(kind: type[ModelConfiguration], key: str) -> str:
    """The key of a setting of `kind`, from that key or from the name that the model's paper has for it."""
    return kind.published_names.get(key, key)


def with_own_keys(kind: type[ModelConfiguration], layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer of settings, nested, with every name of the model's paper replaced by the configuration's key."""
    renamed = dict(layer)
    for theirs, own in kind.published_names.items():
        section, _, name = theirs.rpartition(".")
        values = renamed.get(section)
        if isinstance(values, Mapping) and name in values:
            renamed[section] = {key: value for key, value in values.items() if key != name}
            if not renamed[section]:
                del renamed[section]
            renamed = merge(renamed, nested(own, values[name]))
    return renamed


def nested(key: str, value: Any) -> dict[str, Any]:
    """`value` at a key such as 'model.motion_dim', as a layer of settings."""
    section, _, name = key.rpartition(".")
    layer = {name: value}
    return nested(section, layer) if section else layer
