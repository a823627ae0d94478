"""Names in a state dict that others published, to our names and back."""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor


class StateRenaming:
    """Pairs (theirs, ours) of name patterns; `*` stands for one part of a name between dots, the same in both."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._to_ours = [(_expression(theirs), _template(ours)) for theirs, ours in pairs]
        self._to_theirs = [(_expression(ours), _template(theirs)) for theirs, ours in pairs]

    def to_ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """The state under our names; None where a name fits no pattern, so that it is another layout."""
        return _rename(state, self._to_ours)

    def to_theirs(self, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
        """The state under their names; None where a name fits no pattern."""
        return _rename(state, self._to_theirs)


def _rename(state: Mapping[str, Tensor], rules: Sequence[tuple[re.Pattern[str], str]]) -> dict[str, Tensor] | None:
    renamed = {}
    for name, value in state.items():
        match = next(((found, template) for rule, template in rules if (found := rule.fullmatch(name))), None)
        if match is None:
            return None
        found, template = match
        renamed[template.format(*found.groups())] = value
    return renamed


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", r"([^.]+)"))


def _template(pattern: str) -> str:
    return pattern.replace("*", "{}")
