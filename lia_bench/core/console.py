"""Where tables are printed: a terminal, a pipe or a log."""

from rich.console import Console

WIDE = 160
"""Enough for a row of all metrics."""


def wide_console(width: int = WIDE) -> Console:
    """Standard output; `width` signs wide where it is no terminal, so that nothing is folded in a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)
