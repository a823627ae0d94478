"""What the terminal shows, or a pipe or a log in its place: wide tables, and one look for all progress bars."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from lia_bench.core.names import printable

if TYPE_CHECKING:
    from rich.console import Console
    from tqdm import tqdm

Item = TypeVar("Item")

WIDE = 160
"""Enough for a row of all metrics."""


def wide_console(width: int = WIDE) -> "Console":
    """Standard output; `width` signs wide where it is no terminal, so that nothing is folded in a file."""
    from lia_bench.core.rich_console import NamesShown

    console = NamesShown(highlight=False)
    return console if console.is_terminal else NamesShown(highlight=False, width=width)


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
