"""GitHub's tables."""

import re
from collections.abc import Iterator, Sequence

from lia_bench.core.names import printable
from lia_bench.leaderboards.board.groups import DOUBT, Group, PrintedCell, printed_table, provenance

MARKED = {"": "{}", "best": "**{}**", "second": "<ins>{}</ins>", "doubtful": f"{{}}{DOUBT}"}


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """A heading and a table a group: best bold, second underlined, `[low, high]` behind the numbers if asked for.

    Columns without any value in a group are left out of it. Published groups say so in their headings.
    """
    return "\n".join(line for group in groups for line in _lines(group, columns, intervals))


def _lines(group: Group, columns: Sequence[str], intervals: bool) -> Iterator[str]:
    table = printed_table(group, columns)
    named = zip(table.columns, table.arrows, strict=True)
    yield f"### {escaped(table.title)}\n"
    yield _row(["model", *(f"{escaped(column)} {arrow}" for column, arrow in named)])
    yield _row(["---", *("---:" for _ in table.columns)])
    for row, label, cells in zip(group.rows, table.labels, table.cells, strict=True):
        apart = " *(published)*" if row.origin == "published" else ""
        yield _row([escaped(label) + apart, *(_cell(cell, intervals) for cell in cells)])
    yield ""
    yield "\n".join(f"- {escaped(line)}" for line in provenance(group, table.columns))
    yield ""


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table's cell."""
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", text)


def _cell(cell: PrintedCell, intervals: bool) -> str:
    if not cell.number:
        return ""
    number = MARKED[cell.mark].format(escaped(cell.number))
    return f"{number} {escaped(cell.interval)}" if intervals and cell.interval else number


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
