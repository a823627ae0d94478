"""What the terminal shows, or a pipe or a log in its place: wide tables, and one look for all progress bars."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from lia_bench.core.names import printable

if TYPE_CHECKING:
    from rich.console import Console
    from tqdm import tqdm

Item = TypeVar("Item")

WIDE = 160
"""Enough for a row of all metrics."""

GAP = 2
"""Spaces between two columns."""

SHORT = 30
"""Signs up to which a cell stays in one line; longer ones are folded into at least so many."""


def wide_console(width: int = WIDE) -> "Console":
    """Standard output; `width` signs wide where it is no terminal, so that nothing is folded in a file."""
    from lia_bench.core.rich_console import NamesShown

    console = NamesShown(highlight=False)
    return console if console.is_terminal else NamesShown(highlight=False, width=width)


def print_in_parts(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = (), piped_width: int | None = None
) -> None:
    """Print a table; where the terminal is too narrow for it, in parts below each other that all begin with the names.

    Args:
        header: of the columns, the first of which names the rows and is never cut.
        rows: cells of text.
        right: columns that end at the right.
        piped_width: signs where there is no terminal; None for as many as keep every cell in one line.
    """
    from rich.table import Table
    from rich.text import Text

    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(header, *cells, strict=True)]
    console = wide_console(piped_width or sum(widths) + GAP * len(widths))
    for number, part in enumerate(parts(widths, console.width)):
        table = Table(box=None, pad_edge=False)
        for place in part:
            table.add_column(
                header[place],
                justify="right" if header[place] in right else "left",
                no_wrap=place == 0 or widths[place] <= SHORT,
                overflow="fold",
            )
        for row in cells:
            table.add_row(*(Text(row[place]) for place in part))
        if number:
            console.print()
        console.print(table)


def parts(widths: Sequence[int], room: int, gap: int = GAP) -> list[list[int]]:
    """The columns of each part of a table: the first in all, then as many as fit, long ones folded to what is left.

    >>> parts([10, 20, 9, 60], 80)
    [[0, 1, 2, 3]]
    >>> parts([10, 20, 9, 60], 50)
    [[0, 1, 2], [0, 3]]
    """
    needed = [min(width, SHORT) for width in widths]
    found: list[list[int]] = [[0]]
    for place in range(1, len(widths)):
        used = sum(needed[column] + gap for column in found[-1])
        if len(found[-1]) > 1 and used + needed[place] > room:
            found.append([0])
        found[-1].append(place)
    return found


def say(line: str) -> None:
    """Print a line on standard output, what is in names shown as it can be printed."""
    import click

    click.echo(printable(line))


def progress(
    items: Iterable[Item] | None = None,
    *,
    title: str,
    total: int | None = None,
    unit: str = "it",
    start: int = 0,
    shown: bool = True,
) -> "tqdm[Any]":
    """A progress bar on standard error, around `items` or moved by hand with `update`.

    A log file gets a line every ten seconds instead of many a second; bytes (unit 'B') are shown in MB.
    Of several processes, one has it `shown`.
    """
    from tqdm import tqdm

    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(
        items,
        desc=printable(title),
        total=total,
        unit=unit,
        initial=start,
        mininterval=interval,
        dynamic_ncols=True,
        leave=True,
        disable=not shown,
        unit_scale=unit == "B",
    )
