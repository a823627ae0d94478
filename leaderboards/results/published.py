"""The tables of the models' papers: numbers as printed, on the papers' own data, in the columns of results.

Some of the tables are ablations, whose rows are values of one setting of a model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from lia_bench.core.errors import UnknownNameError
from lia_bench.core.registry import load_attribute
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.results.columns import ResultRow
from lia_bench.leaderboards.results.csv_reading import read_file
from lia_bench.models.specification import MODELS
from lia_bench.models.training.configuration import own_key

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
    "liveportrait": Paper(
        "LivePortrait, 2024",
        "35 clips of TalkingHead-1KH and 50 of VFHQ at 256 pixels; AED and APD are distances of expression and pose by "
        "SMIRK; taken from public notes that repeat the paper's tables, not from the paper",
    ),
    "liax": Paper(
        "LIA-X, 2025",
        "table 1 at 256 and 512 pixels, as 1-256 and 1-512; id_distance is its 'ID similarity', lower is better; taken "
        "from public notes that repeat the paper's tables, not from the paper",
    ),
    "theval": Paper(
        "THEval, CVPR 2026 (Findings)",
        "scores are 1 - |mean - ground truth| / ground truth, over the authors' more than 5,000 real videos, with the "
        "landmarks of mediapipe 0.10.21 (FaceMesh); raw values of models are not published",
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


@dataclass(frozen=True)
class Ablation:
    """A paper's table over one setting of its model: `values` has the setting's value by the rows' variants."""

    model: str
    paper: str
    table: str
    key: str
    values: Mapping[str, Any]


ABLATIONS = (
    Ablation("lia", "lia", "5", "motion.directions", {f"M={count}": count for count in (5, 10, 20, 40, 100)}),
    # What its table 5 is read beside: without a dictionary, and with the usual one.
    Ablation("lia", "lia", "4", "motion.directions", {"without dictionary": None, "": 20}),
    Ablation(
        "fomm",
        "fomm",
        "1",
        "ablation",
        {
            "baseline": "baseline",
            "pyramid": "pyramid",
            "pyramid + occlusion": "pyramid-occlusion",
            "jacobian without equation 12": "jacobian",
            "": "full",
        },
    ),
    Ablation(
        "sade",
        "sade",
        "3",
        "ablation",
        {
            "": "full",
            "without motion evolution": "without-motion-evolution",
            "without self-appearance": "without-self-appearance",
            "without multi-view fusion": "without-views",
        },
    ),
    Ablation("sade", "sade", "4", "data.references", {f"N={count}": count for count in range(1, 7)}),
)


@dataclass(frozen=True)
class PublishedTable:
    """One table of a paper on one task: a row a value of the setting, a column a dataset and metric."""

    paper: str
    number: str
    task: str
    rows: tuple[tuple[Any, ResultRow], ...]

    @property
    def values(self) -> list[Any]:
        """The setting's values, in the paper's order."""
        return list(dict.fromkeys(value for value, _ in self.rows))

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Dataset and metric of each column."""
        return list(dict.fromkeys((row.dataset, metric) for _, row in self.rows for metric in row.printed))

    def printed(self, value: Any, column: tuple[str, str]) -> str:
        """The paper's text in a cell; empty where it has none."""
        dataset, metric = column
        cells = (row.printed.get(metric, "") for own, row in self.rows if (own, row.dataset) == (value, dataset))
        return next(filter(None, cells), "")


def published_tables(model: str, key: str, task: str) -> list[PublishedTable]:
    """What the paper of `model` prints of a task for several values of a setting, by its key or the paper's name."""
    kind = load_attribute(MODELS[model].configuration)
    tables = []
    for ablation in ABLATIONS:
        if ablation.model == model and own_key(kind, ablation.key) == own_key(kind, key):
            rows = [row for row in rows_of_paper(ablation.paper, ablation.table) if row.task == task]
            if rows:
                with_values = tuple((ablation.values[row.variant], row) for row in rows)
                tables.append(PublishedTable(PAPERS[ablation.paper].title, ablation.table, task, with_values))
    return tables
