"""What a table prints in its cells, and which of them are best and second."""

from collections.abc import Sequence

from rich.text import Text

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import ResultRow, number, score
from lia_bench.leaderboards.results.published import PAPERS

BEST = "*"


def printed_interval(row: ResultRow, column: str) -> str:
    """`[low, high]` with the digits of the number; empty where nothing is known."""
    if column not in row.intervals:
        return ""
    low, high = row.intervals[column]
    decimals = score(column).decimals
    return f"[{low:.{decimals}f}, {high:.{decimals}f}]"


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
