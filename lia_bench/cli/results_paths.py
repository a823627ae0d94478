"""Which results a command of `leaderboard` reads, and what it says of those that could not be read."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from lia_bench.core.errors import InputError


def results_paths(files: Sequence[Path], results: Path, name: str | None) -> Sequence[Path]:
    """The files and folders that were given, else the folder `name` of results, else all of them.

    Raises:
        UsageError: there are both files and a name.
    """
    if files and name:
        raise click.UsageError("give either files and folders, or --name")
    return files or [results if name is None else results / name]


def list_problems(problems: Sequence[str]) -> "InputError | None":
    """Print a line for each problem to standard error; returns the error to end with, None where there are none."""
    from lia_bench.core.errors import InputError

    for line in problems:
        click.echo(f"problem: {line}", err=True)
    if not problems:
        return None
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    return InputError(f"{count} with these results, listed above; the rest is shown")
