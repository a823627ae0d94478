"""The columns of results that hold numbers to compare: which values are better, how many digits they are worth."""

import re
from collections.abc import Iterable
from typing import Literal

from lia_bench.leaderboards.results.rows import ResultRow
from lia_bench.metrics.registry import METRICS, ordered
from lia_bench.metrics.specification import MetricSpecification

Better = Literal["lower", "higher"]

SPEED = "fps"
AGAINST_ONE = re.compile(r"preference_vs_.+_percent")
"""How many per cent of the answers preferred the row's model to one other."""
AMONG_ALL = re.compile(r"selected_best_.+_percent")
"""How many per cent of the answers chose the row's model among all that were shown."""


def is_score(column: str) -> bool:
    """Whether a column holds numbers to compare: a metric, the speed, or a preference of raters."""
    return column == SPEED or _is_preference(column) or _metric(column) is not None


def better(column: str) -> Better:
    """Which values of a score's column are better.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    return "higher" if column == SPEED or _is_preference(column) else _known(column).better


def decimals(column: str) -> int:
    """Digits after the point that a printed table gives a measured value of a score's column.

    Raises:
        UnknownNameError: no such metric, and no preference.
    """
    return 1 if column == SPEED or _is_preference(column) else _known(column).decimals


def arrow(column: str) -> str:
    """'↓' where lower values are better, '↑' where higher ones are."""
    return "↓" if better(column) == "lower" else "↑"


def number(row: ResultRow, column: str) -> float | None:
    """A row's value of a score's column, the speed among them; None where it has none."""
    return row.fps if column == SPEED else row.values.get(column)


def printed(row: ResultRow, column: str) -> str:
    """The text of a cell: of a published number the paper's, of a measured one with the digits it is worth.

    Empty where the row has none.
    """
    value = number(row, column)
    if value is None:
        return ""
    if row.origin == "published" and column in row.printed:
        return row.printed[column]
    return f"{value:.{decimals(column)}f}"


def present(rows: Iterable[ResultRow]) -> list[str]:
    """Every score's column in which some row has a value: metrics in the order of results, preferences, speed."""
    rows = list(rows)
    found = list(dict.fromkeys(column for row in rows for column in row.values))
    metrics = ordered(column for column in found if not _is_preference(column))
    preferences = [column for column in found if _is_preference(column)]
    return [*metrics, *preferences, *([SPEED] if any(row.fps is not None for row in rows) else [])]


def is_against_one(column: str) -> bool:
    """Whether a column holds preferences of the row's model to one other."""
    return AGAINST_ONE.fullmatch(column) is not None


def _is_preference(column: str) -> bool:
    return is_against_one(column) or AMONG_ALL.fullmatch(column) is not None


def _metric(column: str) -> MetricSpecification | None:
    """The definition of that id, or any that the plain name may mean: they all agree on what is better."""
    if column in METRICS:
        return METRICS[column]
    return next((metric for metric in METRICS.values() if metric.alias == column), None)


def _known(column: str) -> MetricSpecification:
    # An unknown name gets the registry's own message, with what may have been meant.
    return _metric(column) or METRICS[column]
