"""The tables of the founding papers: numbers as printed, on the papers' own data, in the columns of results."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.results.csv_reading import read_file
from lia_bench.leaderboards.results.rows import ResultRow

FILE = "published_results.csv"


@dataclass(frozen=True)
class Paper:
    """What to know of a paper before reading its numbers.

    Attributes:
        title: short name, where and when.
        measured: on what and with what its numbers were measured, as far as it says.
    """

    title: str
    measured: str


PAPERS: Mapping[str, Paper] = {
    "lia": Paper(
        "LIA, ICLR 2022",
        "L1 and LPIPS (AlexNet) are means over clips; AKD, MKR and AED of the pose-evaluation script of FOMM's authors",
    ),
    "lia-slides": Paper("a seminar talk on LIA, 2022", "repeats the VoxCeleb table of the paper"),
    "fomm": Paper(
        "FOMM, NeurIPS 2019",
        "444 test clips of VoxCeleb; AKD, MKR and AED of its authors' pose-evaluation script, which skips frames "
        "where nothing is found",
    ),
    "iapm": Paper("IAPM, Shalev and Wolf", "the numbers of other methods are those of FOMM's paper"),
    "sade": Paper(
        "SADE, Liu et al.",
        "three reference images where others have one; reconstruction of 507 VoxCeleb clips, cross of 200 drawn pairs; "
        "AKD by OpenPose for bodies and face-alignment for faces",
    ),
}
NOT_COMPARABLE = (
    "published numbers are as printed and not measured here: test clips (of VoxCeleb 444, 485 or 507), crops, "
    "detectors and feature extractors differ between papers and from yours, so compare within a table only"
)


@cache
def published_rows() -> tuple[ResultRow, ...]:
    """Every row of every paper, in the papers' order; `printed` has the numbers as the papers print them."""
    with as_file(files("lia_bench.leaderboards.results") / FILE) as path:
        rows, problems = read_file(path)
    if problems:
        raise AssertionError(problems)
    return tuple(rows)


def rows_of_paper(paper: str, table: str | None = None) -> list[ResultRow]:
    """The rows of a paper, or of one of its tables.

    Raises:
        UnknownNameError: no such paper, or it has no such table.
    """
    if paper not in PAPERS:
        raise UnknownNameError(unknown("paper", paper, PAPERS))
    rows = [row for row in published_rows() if row.paper == paper]
    if table is None:
        return rows
    tables = dict.fromkeys(row.table for row in rows)
    if table not in tables:
        raise UnknownNameError(f"paper {paper}: {unknown('table', table, tables)}")
    return [row for row in rows if row.table == table]
