"""GitHub's tables."""

import re
from collections.abc import Iterator, Sequence

from lia_bench.core.names import printable
from lia_bench.leaderboards.board.groups import Group, Mark
from lia_bench.leaderboards.printing.marks import printed_interval, provenance, shown
from lia_bench.leaderboards.results.columns import arrow, printed

MARKED = {"": "{}", "best": "**{}**", "second": "<ins>{}</ins>"}


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """A heading and a table a group: best bold, second underlined, `[low, high]` behind the numbers if asked for.

    Columns without any value in a group are left out of it. Published groups say so in their headings.
    """
    return "\n".join(line for group in groups for line in _lines(group, shown(group, columns), intervals))


def _lines(group: Group, columns: Sequence[str], intervals: bool) -> Iterator[str]:
    marks = [group.marks(column) for column in columns]
    yield f"### {escaped(group.title)}\n"
    yield _row(["model", *(f"{escaped(column)} {arrow(column)}" for column in columns)])
    yield _row(["---", *("---:" for _ in columns)])
    for place, (row, label) in enumerate(zip(group.rows, group.labels, strict=True)):
        apart = " *(published)*" if row.origin == "published" else ""
        cells = [
            _cell(printed(row, column), marks[number][place], printed_interval(row, column) if intervals else "")
            for number, column in enumerate(columns)
        ]
        yield _row([escaped(label) + apart, *cells])
    yield ""
    yield "\n".join(f"- {escaped(line)}" for line in provenance(group, columns))
    yield ""


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line of a table's cell."""
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", text)


def _cell(number: str, marked: Mark, interval: str) -> str:
    if not number:
        return ""
    return " ".join(part for part in (MARKED[marked].format(escaped(number)), escaped(interval)) if part)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
