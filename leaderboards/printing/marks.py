"""What a table prints in its cells, and which of them are best and second."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lia_bench.leaderboards.board.groups import Group, Mark
from lia_bench.leaderboards.results.columns import arrow, present, printed, score
from lia_bench.leaderboards.results.published import PAPERS


class PrintedCell(NamedTuple):
    """What a cell prints.

    Attributes:
        number: with the digits it is worth; empty where there is none.
        mark: whether it is the best of its column, or the second.
        interval: `[low, high]` with as many digits; empty where nothing is known.
    """

    number: str
    mark: Mark
    interval: str


@dataclass(frozen=True)
class PrintedTable:
    """All that a table of a group prints, as texts.

    Attributes:
        title: what the group is about.
        columns: those of which some row has a value, in order.
        arrows: for each column whether lower or higher values are better.
        labels: what its rows are called.
        cells: for each row those of the columns.
    """

    title: str
    columns: Sequence[str]
    arrows: Sequence[str]
    labels: Sequence[str]
    cells: Sequence[Sequence[PrintedCell]]


def printed_table(group: Group, columns: Sequence[str]) -> PrintedTable:
    """What a group's table of these columns prints."""
    title, labels, marks = group.title, group.labels, {column: group.marks(column) for column in columns}
    there = present(group.rows)
    columns = [column for column in columns if column in there]
    decimals = {column: score(column).decimals for column in columns}
    cells = [
        [
            PrintedCell(
                printed(row, column),
                marks[column][place],
                _interval(row.intervals.get(column), decimals[column]),
            )
            for column in columns
        ]
        for place, row in enumerate(group.rows)
    ]
    return PrintedTable(title, columns, [arrow(column) for column in columns], labels, cells)


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


def _interval(bounds: tuple[float, float] | None, decimals: int) -> str:
    return "" if bounds is None else f"[{bounds[0]:.{decimals}f}, {bounds[1]:.{decimals}f}]"


def _needs_words(group: Group, column: str) -> bool:
    return group.extractors.get(column, column) != column
