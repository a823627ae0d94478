"""The nearest known name for one that was mistyped."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says `name` is no known `kind` and names the nearest, or all there are."""
    choices = sorted(known)
    nearest = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"did you mean '{nearest[0]}'?" if nearest else f"there are: {', '.join(choices) or 'none'}"
    return f"unknown {kind} '{name}': {hint}"
