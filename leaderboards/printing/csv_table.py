"""The results' own columns: what is written is read back as it was."""

from collections.abc import Sequence

from lia_bench.core.text_files import write_table
from lia_bench.leaderboards.board.groups import Group
from lia_bench.leaderboards.results.csv_writing import cells_of, header_of, said


def render(groups: Sequence[Group], columns: Sequence[str], intervals: bool) -> str:
    """All rows of all groups below one header, the numbers with all their digits.

    The columns are those of a `leaderboard.csv`; `paper`, `table` and `note` come last where a row was published. Of
    scores there are those asked for, whether or not a row has a value. Intervals are always there: a script that does
    not want them does not read them.
    """
    rows = [row for group in groups for row in group.rows]
    cells = [cells_of(row) for row in rows]
    return write_table(said(header_of(rows, columns), cells), cells)
