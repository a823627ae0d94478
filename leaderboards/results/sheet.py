"""A table of results as it was written or edited: its cells, and which of them are not what its report.json gives."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableTextError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.names import printable
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.text_files import cell_text, parse_table, read_text
from lia_bench.leaderboards.results.columns import COLUMNS, LEADERBOARD, USER_STUDY, belongs_to, is_score, names_of
from lia_bench.leaderboards.results.csv_writing import PER_CLIP, table_texts
from lia_bench.leaderboards.results.report_file import REPORT, noted_tables, read_report

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)
EXCHANGED = str.maketrans(",.", ".,")
COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
POINT_NUMBER = re.compile(r"[+-]?\d+\.\d+(e[+-]?\d+)?", re.IGNORECASE)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
"""A number that may have points between its thousands."""


@dataclass(frozen=True)
class Sheet:
    """A file's cells as text.

    Attributes:
        columns: the header.
        lines: number in the file and cells of each line.
        separator: what stands between cells.
        decimal_comma: whether numbers have a comma for their point.
    """

    columns: list[str]
    lines: list[tuple[int, list[str]]]
    separator: str
    decimal_comma: bool

    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """Number and cells by column of each line that has a cell for every column."""
        return [
            (number, dict(zip(self.columns, cells, strict=True)))
            for number, cells in self.lines
            if len(cells) == len(self.columns)
        ]


def read_sheet(file: Path) -> Sheet:
    """The cells of a file.

    Raises:
        InputError: it is not there, empty, or no table.
    """
    try:
        text = read_text(file)
        if not text.strip(" \t\r\n\xa0,;"):
            raise InputError(f"{file}: is empty; run the same `lia-bench evaluate` again to have it written anew")
        return parse_sheet(text, file)
    except UnreadableTextError as error:
        said = error.reason.removeprefix("it ") if error.reason.startswith("it ") else f"cannot be read: {error.reason}"
        reason = "is not there" if error.missing else said
        raise InputError(
            f"{file}: {reason}; name a leaderboard.csv or a folder that `lia-bench evaluate` wrote"
        ) from error


def parse_sheet(text: str, file: Path) -> Sheet:
    """The cells of a table in a text that was, or would be, in `file`.

    Raises:
        UnreadableTextError: no table can be made of it.
    """
    table = parse_table(text, file)
    lines = [(number, [cell_text(cell) for cell in cells]) for number, cells in table.lines]
    return Sheet(list(table.columns), lines, table.separator, _has_decimal_comma(table.columns, lines))


def number_in(text: str, decimal_comma: bool) -> float | None:
    """The finite number that a cell's text is; None where it is none."""
    # Where commas are decimal, a point stands between thousands.
    plain = text.translate(EXCHANGED) if decimal_comma else text
    # Python takes 1_0 and digits of every script for numbers, too.
    value = float(plain) if NUMBER.fullmatch(plain) else math.nan
    return value if math.isfinite(value) else None


def _has_decimal_comma(columns: Sequence[str], lines: Iterable[tuple[int, Sequence[str]]]) -> bool:
    texts = names_of("text")
    cells = [cell for _, cells in lines for column, cell in zip(columns, cells, strict=False) if column not in texts]
    points = any(POINT_NUMBER.fullmatch(cell) and not GROUPED.fullmatch(cell) for cell in cells)
    return not points and any(COMMA_NUMBER.fullmatch(cell) for cell in cells)


KEY = ("model", "variant", "checkpoint_sha256", "task", "transfer")
"""What tells a row of the leaderboard from the others of its folder."""
CLIP_KEY = (*KEY, "clip", "source")
OF_FORMER_VERSIONS = ("_frames", "_missing")
"""Endings of columns in which former versions counted frames of clips that equal their references otherwise."""

Row = Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A cell that is not what the report gives.

    Attributes:
        line: in the file; None of a row that is not there any more.
        column: of the cell; empty of a row as a whole.
        said: what is to be told of it.
    """

    line: int | None
    column: str
    said: str


@dataclass(frozen=True)
class Recheck:
    """What a folder's report says of its tables.

    Attributes:
        changes: of the leaderboard.
        of_clips: of the table that has a row for each clip.
        problem: why nothing could be compared; empty where it was, or where there is no report.
    """

    changes: Sequence[Change] = ()
    of_clips: Sequence[Change] = ()
    problem: str = ""


def recheck(file: Path, sheet: Sheet) -> Recheck:
    """Compare a leaderboard, and the table of clips beside it, with what the report beside them gives.

    A table that still is as it was written costs no more than its hash; former versions noted none, so that of their
    folders the leaderboard alone is compared. Numbers are compared as they are written, with six digits. Rows that no
    report gives, of raters and of papers, are not looked at.

    Args:
        file: the leaderboard.
        sheet: what it holds.
    """
    if file.name != LEADERBOARD or not (file.parent / REPORT).exists():
        return Recheck()
    try:
        noted = noted_tables(file.parent)
        clips = inner_file(file.parent, PER_CLIP)
        # Tables of clips are long: those of former versions, of which no hash is known, are not told apart.
        tables = [file, clips] if noted and clips.exists() else [file]
        edited = [path for path in tables if noted.get(path.name) != sha256_of_file(path)]
        if not edited:
            return Recheck()
        texts = table_texts(read_report(file.parent))
        leave_out = () if noted else OF_FORMER_VERSIONS
        found = {}
        for path in edited:
            edited_sheet = sheet if path == file else read_sheet(path)
            found[path] = list(_changes(edited_sheet, parse_sheet(texts[path.name], path), leave_out))
        return Recheck(found.get(file, ()), found.get(clips, ()))
    except InputError as error:
        return Recheck(problem=str(error))


def _changes(sheet: Sheet, own: Sheet, leave_out: Sequence[str]) -> Iterator[Change]:
    """Each cell in which a sheet differs from the report's own, by line."""
    key = [column for column in (CLIP_KEY if "clip" in own.columns else KEY) if column in sheet.columns]
    columns = [column for column in sheet.columns if _is_given(column, own) and not column.endswith(tuple(leave_out))]
    given: dict[tuple[str, ...], list[Row]] = {}
    for _, row in own.rows():
        given.setdefault(tuple(row[column] for column in key), []).append(row)

    def differing(row: Row, by: Row) -> list[str]:
        return [column for column in columns if not _same(row[column], by.get(column, ""), sheet.decimal_comma)]

    strangers: list[tuple[int, Row]] = []
    rows = sheet.rows()
    for line, row in rows:
        if row.get("task") == USER_STUDY or row.get("origin") == "published":
            continue
        alike = given.get(tuple(row[column] for column in key))
        if not alike:
            strangers.append((line, row))
            continue
        # Rows of two runs may agree in all that a row is known by.
        nearest = min(alike, key=lambda by: len(differing(row, by)))
        alike.remove(nearest)
        yield from _told(line, row, nearest, differing(row, nearest))
    left = [row for rows in given.values() for row in rows]
    # A row whose model was renamed stands where the report has one that the table lacks.
    for (line, stranger), by in zip(strangers, left, strict=False):
        yield from _told(line, stranger, by, differing(stranger, by))
    for line, _ in strangers[len(left) :]:
        yield Change(line, "", f"{REPORT} has no such row")
    # A line with too few cells may be any row.
    for lost in left[len(strangers) :] if len(rows) == len(sheet.lines) else ():
        called = printable(" ".join(lost[key] for key in ("model", "variant", "task", "clip") if lost.get(key)))
        yield Change(None, "", f"lacks the row of {called}, which {REPORT} gives")


def _told(line: int, row: Row, by: Row, columns: Sequence[str]) -> Iterator[Change]:
    for column in columns:
        cell, given = (f"'{printable(text)[:40]}'" if text else "" for text in (row[column], by.get(column, "")))
        yield Change(line, column, f"{column} is {cell or 'empty'}, and {REPORT} gives {given or 'none'}")


def _is_given(column: str, own: Sheet) -> bool:
    """Whether the report says what a column holds, if only that there is nothing."""
    measured = column in COLUMNS and COLUMNS[column].measured is not None
    return column in own.columns or measured or is_score(belongs_to(column))


def _same(cell: str, given: str, decimal_comma: bool) -> bool:
    if cell == given:
        return True
    number = number_in(cell, decimal_comma)
    return number is not None and number == number_in(given, False)
