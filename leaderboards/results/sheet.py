"""A table of results as it was written or edited: its cells as text, and what they mean as numbers."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.text_files import cell_text, parse_table, read_text
from lia_bench.leaderboards.results.columns import names_of

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
EXCHANGED = str.maketrans(",.", ".,")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
POINT_NUMBER = re.compile(r"[+-]?\d+\.\d+(e[+-]?\d+)?", re.IGNORECASE)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
"""A number that may have points between its thousands."""


@dataclass(frozen=True)
class Sheet:
    """A file's cells as text.

    Attributes:
        columns: the header.
        lines: number in the file and cells of each line.
        separator: what stands between cells.
        decimal_comma: whether numbers have a comma for their point.
    """

    columns: list[str]
    lines: list[tuple[int, list[str]]]
    separator: str
    decimal_comma: bool

    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """Number and cells by column of each line that has a cell for every column."""
        return [
            (number, dict(zip(self.columns, cells, strict=True)))
            for number, cells in self.lines
            if len(cells) == len(self.columns)
        ]


def read_sheet(file: Path) -> Sheet:
    """The cells of a file.

    Raises:
        InputError: it is not there, empty, or no table.
    """
    try:
        text = read_text(file)
        if not text.strip(" \t\r\n\xa0,;"):
            raise InputError(f"{file}: is empty; run the same `lia-bench evaluate` again to have it written anew")
        return parse_sheet(text, file)
    except UnreadableTextError as error:
        said = error.reason.removeprefix("it ") if error.reason.startswith("it ") else f"cannot be read: {error.reason}"
        reason = "is not there" if error.missing else said
        raise InputError(
            f"{file}: {reason}; name a leaderboard.csv or a folder that `lia-bench evaluate` wrote"
        ) from error


def parse_sheet(text: str, file: Path) -> Sheet:
    """The cells of a table in a text that was, or would be, in `file`.

    Raises:
        UnreadableTextError: no table can be made of it.
    """
    table = parse_table(text, file)
    lines = [(number, [cell_text(cell) for cell in cells]) for number, cells in table.lines]
    return Sheet(list(table.columns), lines, table.separator, _has_decimal_comma(table.columns, lines))


def number_in(text: str, decimal_comma: bool) -> float | None:
    """The finite number that a cell's text is; None where it is none."""
    # Where commas are decimal, a point stands between thousands.
    plain = text.translate(EXCHANGED) if decimal_comma else text
    # Python takes 1_0 and digits of every script for numbers, too.
    value = float(plain) if NUMBER.fullmatch(plain) else math.nan
    return value if math.isfinite(value) else None


def _has_decimal_comma(columns: Sequence[str], lines: Iterable[tuple[int, Sequence[str]]]) -> bool:
    texts = names_of("text")
    cells = [cell for _, cells in lines for column, cell in zip(columns, cells, strict=False) if column not in texts]
    points = any(POINT_NUMBER.fullmatch(cell) and not GROUPED.fullmatch(cell) for cell in cells)
    return not points and any(COMMA_NUMBER.fullmatch(cell) for cell in cells)
