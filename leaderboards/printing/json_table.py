"""Groups, their settings and their rows as JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.columns import COLUMNS, ResultRow, number, score

SCHEMA = 1
"""Raised by whatever a reader of the last one would misunderstand."""


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """An object: `schema`, `columns` (name, what is better, digits), and `groups` of rows that may be ranked.

    A group has its title, setting, extractors and rows. A row has its label, where it comes from, and `scores`: of each
    column of which it has a finite value the value, `printed` (the paper's text; null where measured), `interval`
    ([low, high], or null; always there: a script that does not want it does not read it) and `mark` ('best',
    'second', 'doubtful' or empty, among the group's rows).
    """
    content = {
        "schema": SCHEMA,
        "columns": [{"name": name, "better": score(name).better, "decimals": score(name).decimals} for name in columns],
        "groups": [
            {
                "title": group.title,
                "setting": dict(group.setting),
                "extractors": dict(group.extractors),
                "rows": _rows(group, columns),
            }
            for group in groups
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rows(group: Group, columns: Sequence[str]) -> list[dict[str, Any]]:
    marks = {column: group.marks(column) for column in columns}
    return [
        {"label": label}
        | {name: getattr(row, name) for name, column in COLUMNS.items() if column.kind != "score"}
        | {"scores": {column: _score(row, column, marks[column][place]) for column in columns if _has(row, column)}}
        for place, (row, label) in enumerate(zip(group.rows, group.labels, strict=True))
    ]


def _has(row: ResultRow, column: str) -> bool:
    value = number(row, column)
    return value is not None and math.isfinite(value)


def _score(row: ResultRow, column: str, marked: str) -> dict[str, Any]:
    interval = row.intervals.get(column)
    return {
        "value": number(row, column),
        "printed": row.printed.get(column) if row.origin == "published" else None,
        "interval": list(interval) if interval else None,
        "mark": marked,
    }
