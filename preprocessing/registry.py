"""The datasets there are: a module or folder here that defines DATASET, or an entry point `lia_bench.datasets`."""

import lia_bench.preprocessing.recipes
from lia_bench.core.registry import Registry
from lia_bench.preprocessing.specification import DatasetSpecification

DATASETS: Registry[DatasetSpecification] = Registry(
    "dataset", DatasetSpecification, lia_bench.preprocessing.recipes, "DATASET", "lia_bench.datasets"
)
