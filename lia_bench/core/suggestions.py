"""The nearest known name for one that was mistyped."""

import difflib
from collections.abc import Iterable, Mapping

LIKE = 0.5
"""Likeness from which on one of a few names may be meant."""

ALIKE = 0.8
"""Likeness from which on a name among all may be meant."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says `name` is no known `kind` and names the nearest, or all there are.

    >>> unknown("model", "fom", ["lia", "fomm"])
    "unknown model 'fom': did you mean 'fomm'?"
    >>> unknown("model", "xyz", ["lia", "fomm"])
    "unknown model 'xyz': there are: fomm, lia"
    """
    choices = sorted(set(known))
    nearest = _nearest(name, choices)
    hint = f"did you mean '{nearest}'?" if nearest else f"there are: {', '.join(choices) or 'none'}"
    return f"unknown {kind} '{name}': {hint}"


def unknown_key(typed: str, wrong: int, known: Iterable[str]) -> str:
    """One line that says a dotted key is unknown from its part number `wrong` on, and names the nearest there is.

    A name of the same section comes first, then one like it in another section, then whatever is spelled alike.

    >>> keys = ["loss.l1", "loss.perceptual", "data.batch_size", "model.size"]
    >>> unknown_key("loss.perceptul", 1, keys)
    "unknown key 'loss.perceptul': did you mean 'loss.perceptual'?"
    >>> unknown_key("batchsize", 0, keys)
    "unknown key 'batchsize': did you mean 'data.batch_size'?"
    >>> unknown_key("model.bg", 1, keys)
    "unknown key 'model.bg': there are: model.size"
    """
    keys = list(dict.fromkeys(known))
    parts = typed.split(".")
    section, name = parts[:wrong], parts[wrong]
    beside = dict.fromkeys(
        ".".join(own[: wrong + 1]) for key in keys if (own := key.split("."))[:wrong] == section and len(own) > wrong
    )
    by_name = {key.rpartition(".")[2]: key for key in reversed(keys)}
    whole = {key: key for key in keys} if wrong < len(parts) - 1 else {}
    found = (
        _near(name, {key.rpartition(".")[2]: key for key in beside if key != ".".join([*section, name])}, LIKE)
        or _near(parts[-1], by_name, ALIKE)
        or _near(typed, whole, ALIKE)
    )
    said = ".".join([*section, name]) if found in beside else typed
    hint = f"did you mean '{found}'?" if found else f"there are: {', '.join(sorted(beside)) or 'none'}"
    return f"unknown key '{said}': {hint}"


def likely(name: str, found: Iterable[str]) -> str:
    """What to append where `name` is missing: the one that was found and may be meant, or nothing."""
    nearest = _nearest(name, sorted(found))
    return f" (is '{nearest}' meant to be it?)" if nearest else ""


def _near(name: str, choices: Mapping[str, str], cutoff: float) -> str | None:
    """What `choices` has under the name that is spelled most like `name`; None where none is like it."""
    found = difflib.get_close_matches(name, list(choices), n=1, cutoff=cutoff)
    return choices[found[0]] if found else None


def _nearest(name: str, choices: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, choices, n=1, cutoff=0.5)), None)
