"""Checkpoint files that hold a state dict for each network, under names of their authors' own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from lia_bench.models.blocks.state_renaming import StateRenaming


@dataclass(frozen=True)
class RenamedNetwork:
    """A network and its names.

    Attributes:
        theirs: the key of its state dict in their file.
        ours: the animator's attribute.
        names: those inside the state dict.
        optional: files and animators without it, or with nothing in it, are as good.
    """

    theirs: str
    ours: str
    names: StateRenaming
    optional: bool = False


class RenamedNetworks:
    """Their file's content to an animator's state dict and back."""

    def __init__(self, *networks: RenamedNetwork) -> None:
        self._networks = networks

    def to_ours(self, content: Mapping[str, Any]) -> dict[str, Tensor] | None:
        """The animator's state; None where a network or a name is another model's.

        What else the file holds (optimisers, a discriminator, the epoch) is passed over.
        """
        state: dict[str, Tensor] = {}
        for network in self._networks:
            part = content.get(network.theirs, {})
            renamed = network.names.to_ours(part) if isinstance(part, Mapping) else None
            if renamed is None or not (renamed or network.optional):
                return None
            state.update({f"{network.ours}.{name}": value for name, value in renamed.items()})
        return state

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]] | None:
        """Their file's networks, without optional ones that the state lacks; None where it is another model's."""
        content = {}
        taken = 0
        for network in self._networks:
            prefix = f"{network.ours}."
            own = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
            renamed = network.names.to_theirs(own)
            if renamed is None or not (renamed or network.optional):
                return None
            if renamed:
                content[network.theirs] = renamed
            taken += len(own)
        return content if taken == len(state) else None
