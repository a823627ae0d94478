"""Leaderboards as text for other programs, one module a format."""

from collections.abc import Callable, Mapping, Sequence

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.printing import csv_table, json_table, latex, markdown

Render = Callable[[Sequence[Group], Sequence[str], bool], str]

FORMATS: Mapping[str, Render] = {
    "csv": csv_table.render,
    "json": json_table.render,
    "latex": latex.render,
    "markdown": markdown.render,
}
"""Name to what renders groups: columns of scores to show, in order, and whether intervals are to be shown."""
