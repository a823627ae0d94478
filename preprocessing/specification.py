"""What is known of a dataset before any footage is touched, and the datasets there are."""

from dataclasses import dataclass

import lia_bench.preprocessing.recipes
from lia_bench.core.registry import Registry


@dataclass(frozen=True)
class DatasetSpecification:
    """A dataset's entry.

    Attributes:
        name: what users type.
        summary: one line for `lia-bench datasets list` and `lia-bench preprocess --help`.
        source: where footage and tables come from, and under which terms.
        command: "module:attribute" of the click.Command that `lia-bench preprocess NAME` runs.
        subject: what the clips show, for plain names of metrics that depend on it ("face", "body", "sample"); empty
            where it is something else, or the detector's affair.
    """

    name: str
    summary: str
    source: str
    command: str
    subject: str = ""


DATASETS: Registry[DatasetSpecification] = Registry(
    "dataset", DatasetSpecification, lia_bench.preprocessing.recipes, "DATASET", "lia_bench.datasets"
)
"""A module or folder of `recipes` that defines DATASET, or an entry point `lia_bench.datasets`."""
