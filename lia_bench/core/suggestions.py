"""The nearest known name for one that was mistyped."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says `name` is no known `kind` and names the nearest, or all there are.

    >>> unknown("model", "fom", ["lia", "fomm"])
    "unknown model 'fom': did you mean 'fomm'?"
    >>> unknown("model", "xyz", ["lia", "fomm"])
    "unknown model 'xyz': there are: fomm, lia"
    """
    choices = sorted(known)
    nearest = _nearest(name, choices)
    hint = f"did you mean '{nearest}'?" if nearest else f"there are: {', '.join(choices) or 'none'}"
    return f"unknown {kind} '{name}': {hint}"


def likely(name: str, found: Iterable[str]) -> str:
    """What to append where `name` is missing: the one that was found and may be meant, or nothing."""
    nearest = _nearest(name, sorted(found))
    return f" (is '{nearest}' meant to be it?)" if nearest else ""


def _nearest(name: str, choices: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, choices, n=1, cutoff=0.5)), None)
