"""The layouts of the checkpoint files that models' authors published, as the zoo reads and writes them."""

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

from torch import Tensor

from lia_bench.models.specification import ModelSpecification


class AuthorsLayout(Protocol):
    """What the module that `ModelSpecification.authors_checkpoint` names has."""

    def animator_state(self, content: Mapping[str, Any]) -> dict[str, Tensor] | None:
        """The animator's state dict from the content of the authors' file; None where it is another layout.

        Raises:
            CheckpointError: the layout is theirs, but an entry is missing or unknown.
        """

    def authors_content(self, state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
        """The animator's state dict as the networks of the authors' file; None for another model's."""


def authors_layout(specification: ModelSpecification) -> AuthorsLayout | None:
    """The layout of a model's authors; None where they published none."""
    if specification.authors_checkpoint is None:
        return None
    return cast(AuthorsLayout, importlib.import_module(specification.authors_checkpoint))


def named_as_in_file(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """Every tensor of a file under "network.name", or "name" where it is in no network."""
    named: dict[str, Tensor] = {}
    for name, part in content.items():
        if isinstance(part, Tensor):
            named[name] = part
        elif isinstance(part, Mapping):
            named.update({f"{name}.{inner}": value for inner, value in part.items() if isinstance(value, Tensor)})
    return named
