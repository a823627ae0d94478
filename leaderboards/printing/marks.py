"""What a table prints in its cells, and which of them are best and second."""

from collections.abc import Sequence
from typing import Literal

from rich.text import Text

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import ResultRow, better, number, printed, score
from lia_bench.leaderboards.results.published import PAPERS

Mark = Literal["", "best", "second"]

BEST = "*"


def printed_interval(row: ResultRow, column: str) -> str:
    """`[low, high]` with the digits of the number; empty where nothing is known."""
    if column not in row.intervals:
        return ""
    low, high = row.intervals[column]
    decimals = score(column).decimals
    return f"[{low:.{decimals}f}, {high:.{decimals}f}]"


def mark(group: Group, column: str) -> list[Mark]:
    """For each row of a group whether its cell is the best of the column, the second best, or neither.

    Cells that print the same number share their mark, so that no digit that nobody sees decides; the second best is
    the next number after the best. Published rows beside measured ones get no mark, nor does a column with fewer than
    two rows to compare, or one that the group does not rank.
    """
    origin = "measured" if any(row.origin == "measured" for row in group.rows) else "published"
    values = {
        place: _as_printed(row, column)
        for place, row in enumerate(group.rows)
        if row.origin == origin and number(row, column) is not None
    }
    if len(values) < 2 or not group.ranks(column):
        return [""] * len(group.rows)
    first, *others = sorted(set(values.values()), reverse=better(column) == "higher")
    marks: dict[float, Mark] = {first: "best"}
    if others:
        marks[others[0]] = "second"
    return [marks.get(values[place], "") if place in values else "" for place in range(len(group.rows))]


def marked_cell(text: str, is_best: bool) -> Text:
    """A cell of a terminal's table with `*` before the best of its column, and '-' where there is none."""
    return Text((BEST if is_best else "") + (text or "-"), style="bold green" if is_best else "")


def shown(group: Group, columns: Sequence[str]) -> list[str]:
    """Those of the columns in which some row of the group has a value."""
    return [column for column in columns if any(number(row, column) is not None for row in group.rows)]


def provenance(group: Group, columns: Sequence[str]) -> list[str]:
    """What a reader has to know of a group's numbers: protocol, data, extractors of the columns, notes; a line each."""
    of = group.setting
    if of["origin"] == "published":
        paper = PAPERS.get(of["paper"])
        where = f"as printed in {paper.title}: {paper.measured}" if paper else "as printed in the paper"
        notes = list(dict.fromkeys(f"{row.model}: {row.note}" for row in group.rows if row.note))
        return ["not measured here", where, *notes]
    parts = [
        f"protocol {of['protocol']}" if of.get("protocol") else "",
        f"{of['clips']} clips" if of.get("clips") else "",
        f"dataset {of['dataset_hash'][:12]}" if of.get("dataset_hash") else "",
        f"seed {of['seed']}" if of.get("seed") else "",
    ]
    said = "; ".join(part for part in parts if part)
    described = [f"{column} is {group.extractors[column]}" for column in columns if _needs_words(group, column)]
    return [f"measured: {said}" if said else "measured", *described]


def _needs_words(group: Group, column: str) -> bool:
    return group.extractors.get(column, column) != column


def _as_printed(row: ResultRow, column: str) -> float:
    """A published number is worth what its paper printed, which may be more than digits."""
    value = number(row, column)
    return float(printed(row, column)) if row.origin == "measured" else float(value if value is not None else "nan")
