"""One leaderboard from any number of results folders, and what papers print beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.board.groups import Group, comparable, differences
from lia_bench.leaderboards.board.merging import merge
from lia_bench.leaderboards.board.selection import Wanted, beside, by_column, cut, matching, select
from lia_bench.leaderboards.results.columns import is_score, present
from lia_bench.leaderboards.results.csv_reading import read_results
from lia_bench.leaderboards.results.published import published_rows
from lia_bench.leaderboards.results.rows import ResultRow


@dataclass(frozen=True)
class View:
    """What to show of rows.

    Attributes:
        wanted: filters.
        metrics: columns of scores to show; None for all.
        sort: column that the rows of a group are sorted by; None leaves them in the order of the files.
        group: column of text whose values get a table each; None for none.
    """

    wanted: Wanted = field(default_factory=dict)
    metrics: Sequence[str] | None = None
    sort: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Board:
    """Groups in the order they are to be shown.

    Attributes:
        groups: each a ranking of its own.
        published: for each group the published rows that stand beside it, never ranked with it.
        columns: of scores, in order.
        notes: what tells groups apart, and what was measured twice with other numbers; a line each.
        problems: what was left out or is doubtful; a line each.
    """

    groups: tuple[Group, ...]
    published: tuple[tuple[ResultRow, ...], ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def apart(self) -> list[Group]:
        """Every group, followed by the tables of papers that stand beside it, as groups of their own."""
        pairs = zip(self.groups, self.published, strict=True)
        return [own for group, rows in pairs for own in (group, *comparable(rows))]


def measured_board(paths: Sequence[Path], view: View, with_published: bool) -> Board:
    """What results say: merged, filtered, and in groups that may be ranked.

    Args:
        paths: as of `read_results`.
        view: what to show.
        with_published: whether published rows of the same dataset and task stand beside each group.

    Raises:
        InputError: no row that can be read.
        UnknownNameError: a filter, metric or column that no row has.
    """
    rows, problems = read_results(paths)
    if not rows:
        raise InputError("; ".join(problems))
    merged = merge(rows)
    # Papers are asked for beside the measured rows, which have none.
    own = {column: values for column, values in view.wanted.items() if column not in ("paper", "table")}
    chosen = select(merged.rows, own)
    everywhere = {column: values for column, values in view.wanted.items() if column in ("model", "paper", "table")}
    published = matching(published_rows(), everywhere) if with_published else []
    board = _board(chosen, view)
    by_group = [tuple(beside(group, published, board.columns)) for group in board.groups]
    without = [group.title for group, rows in zip(board.groups, by_group, strict=True) if not rows]
    nothing = [f"nothing published with these columns beside {title}" for title in without if with_published]
    notes = (*board.notes, *merged.conflicts, *dict.fromkeys(nothing))
    return Board(board.groups, tuple(by_group), board.columns, notes, tuple(problems))


def published_board(view: View) -> Board:
    """What papers print.

    Raises:
        UnknownNameError: a filter, metric or column that no row has.
    """
    return _board(select(published_rows(), view.wanted), view)


def _board(rows: Sequence[ResultRow], view: View) -> Board:
    if not rows:
        raise InputError("no row has all that is asked for: leave out one of the filters")
    columns = present(rows)
    if view.sort is not None and is_score(view.sort) and view.sort not in columns:
        raise UnknownNameError(unknown("column with values", view.sort, columns))
    if view.metrics is not None:
        for name in view.metrics:
            if not is_score(name) or name not in columns:
                raise UnknownNameError(unknown("metric", name, columns))
        columns = list(dict.fromkeys(view.metrics))
    groups = comparable(rows)
    if view.group is not None:
        groups = cut(groups, view.group)
    if view.sort is not None:
        groups = [by_column(group, view.sort) for group in groups]
    return Board(tuple(groups), tuple(() for _ in groups), tuple(columns), tuple(differences(groups)))
