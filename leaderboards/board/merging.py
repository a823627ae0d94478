"""Rows of several results folders as one table: of what was measured twice, the newest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lia_bench.leaderboards.board.groups import Group, comparable
from lia_bench.leaderboards.results.columns import printed
from lia_bench.leaderboards.results.labels import labels
from lia_bench.leaderboards.results.rows import ResultRow


@dataclass(frozen=True)
class Merged:
    """Rows, each thing measured once, and a line for each that was measured again with other numbers."""

    rows: tuple[ResultRow, ...]
    conflicts: tuple[str, ...]


def merge(rows: Iterable[ResultRow]) -> Merged:
    """Keep the newest of rows that measure the same: one ranking's rows of one model, variant, checkpoint and transfer.

    A row of fewer clips, another protocol or another extractor measures something else, and stays beside it. Of rows
    with the same date the one that comes last is kept. A conflict is a number that a table would print differently.
    """
    rows = list(rows)
    kept: set[int] = set()
    conflicts: list[str] = []
    for group in comparable(rows):
        measured: dict[tuple[str, ...], list[ResultRow]] = {}
        for row in group.rows:
            measured.setdefault(_identity(row), []).append(row)
        for same in measured.values():
            *older, newest = sorted(same, key=lambda row: row.date)
            kept.add(id(newest))
            conflicts += [line for row in older for line in _conflict(group, row, newest)]
    return Merged(tuple(row for row in rows if id(row) in kept), tuple(dict.fromkeys(conflicts)))


def _identity(row: ResultRow) -> tuple[str, ...]:
    # A table that somebody edited may lack hashes; a paper may have two rows that only the note tells apart.
    return (row.model, row.variant, row.checkpoint_sha256 or row.checkpoint, row.transfer, row.note)


def _conflict(group: Group, older: ResultRow, newest: ResultRow) -> Iterator[str]:
    both = [metric for metric in older.values if metric in newest.values]
    others = [metric for metric in both if printed(older, metric) != printed(newest, metric)]
    lost = [metric for metric in older.values if metric not in newest.values]
    parts = [f"{metric} {printed(older, metric)}, now {printed(newest, metric)}" for metric in others]
    parts += [f"{metric} {printed(older, metric)}, now none" for metric in lost]
    if parts:
        where = f"{older.file} of {older.date or 'no date'} and {newest.file} of {newest.date or 'no date'}"
        yield f"{labels([newest])[0]}, {group.title}: measured twice, {'; '.join(parts)} ({where}); the newest is shown"
