"""The order of frames by the numbers in their names: whole, decimal or signed, in the digits of any script."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

MINUS = "\N{MINUS SIGN}"
POINT = "[.,\N{ARABIC DECIMAL SEPARATOR}]"

SIGN = rf"(?<![^\W_])(?<![.,)\]+\-{MINUS}])[+\-{MINUS}](?=\d)"
"""A sign before a number: not one that joins words or numbers, as in frame-1 or 2024-05-06."""

WHOLE = r"\d+"
DECIMAL = rf"(?<!\d{POINT})\d+(?:{POINT}\d+(?!{POINT}\d))?(?:[eE][+\-{MINUS}]\d\d+)?|\d+"
"""As programs print one, 1e-05 too; of versions and dates such as 1.2.3 the parts are whole numbers."""

Key = tuple[tuple[str | Decimal, ...], str]


@dataclass(frozen=True)
class Rule:
    """How numbers are read: "1.10" as one and a tenth or as two numbers, "-3" as a number below zero or as three."""

    decimals: bool
    signs: bool

    def key(self, path: Path) -> Key:
        """What a file is sorted by; names of equal numbers by the rest of their letters."""
        number = (rf"(?:{SIGN})?" if self.signs else "") + f"(?:{DECIMAL if self.decimals else WHOLE})"
        parts = re.split(f"({number})", path.stem)
        return tuple(_number(part) if odd % 2 else part for odd, part in enumerate(parts)), path.name

    def __str__(self) -> str:
        return f"{'decimal' if self.decimals else 'whole'} numbers, {'signed' if self.signs else 'without signs'}"


def in_order(files: Sequence[Path]) -> tuple[list[Path], tuple[str, ...]]:
    """Files in the order of the numbers in their names, and a remark where that order can be read in another way.

    A point between digits makes a decimal number, unless ends of zeros show that it divides two numbers: nobody
    writes 1.1, 1.2, ... 1.10 for tenths. A minus before a number makes it negative, unless every name has one behind
    a space or underscore, where it divides words.
    """
    names = [path.stem for path in files]
    decimals, sure_of_decimals = _decimals(names)
    signs, sure_of_signs = _signs(names)
    rule = Rule(decimals, signs)
    ordered = sorted(files, key=rule.key)
    others = [
        *([] if sure_of_decimals else [Rule(not decimals, signs)]),
        *([] if sure_of_signs else [Rule(decimals, not signs)]),
    ]
    for other in others:
        if sorted(files, key=other.key) != ordered:
            first = ", ".join(path.name for path in ordered[:3])
            return ordered, (f"frame_order: the names can be read in several ways; taken as {rule}: {first}, ...",)
    return ordered, ()


def _number(text: str) -> Decimal:
    return Decimal(text.translate(_PLAIN))


_PLAIN = str.maketrans({",": ".", "\N{ARABIC DECIMAL SEPARATOR}": ".", MINUS: "-"})


def _decimals(names: Sequence[str]) -> tuple[bool, bool]:
    """Whether points make decimal numbers, and whether that is sure."""
    lone = rf"(?<!{POINT})(?<!\d)\d+{POINT}(\d+)(?!\d|{POINT}\d)"
    fractions = [fraction for name in names for fraction in re.findall(lone, name)]
    if len({len(fraction) for fraction in fractions}) < 2:
        return True, True
    ends, starts = (any(len(part) > 1 and int(part[place]) == 0 for part in fractions) for place in (-1, 0))
    return starts or not ends, starts and not ends


def _signs(names: Sequence[str]) -> tuple[bool, bool]:
    """Whether a plus or minus before a number belongs to it, and whether that is sure."""
    found = [re.search(SIGN, name) for name in names]
    signed = [match for match in found if match is not None]
    if not signed or len(signed) < len(names) or len({match.group() for match in signed}) > 1:
        return True, True
    divides = all(match.start() > 0 and match.string[match.start() - 1] in " _" for match in signed)
    return not divides, False
