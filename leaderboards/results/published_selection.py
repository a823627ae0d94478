"""Ablations that papers print: which of the published rows are values of one setting of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lia_bench.core.registry import load_attribute
from lia_bench.leaderboards.results.published import PAPERS, rows_of_paper
from lia_bench.leaderboards.results.rows import ResultRow
from lia_bench.models.registry import MODELS
from lia_bench.models.setting_names import own_key


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
