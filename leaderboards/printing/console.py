"""Where leaderboards are printed: a terminal, a pipe or a log; and how the best cell of a column is marked."""

from rich.console import Console
from rich.text import Text

BEST = "*"


def wide_console(width: int) -> Console:
    """Standard output; `width` signs wide where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)


def marked_cell(text: str, is_best: bool) -> Text:
    """A cell with `*` before the best of its column, and '-' where there is none."""
    return Text((BEST if is_best else "") + (text or "-"), style="bold green" if is_best else "")
