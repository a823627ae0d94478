"""The embedded dataset: procedurally drawn talking heads, rendered as footage and cut like any other."""

from lia_bench.preprocessing.specification import DatasetSpecification

DATASET = DatasetSpecification(
    name="sample",
    summary="drawn talking heads with marks on their faces; made on this machine, needs no download",
    source="drawn by this program; free to use like the program itself",
    command="lia_bench.preprocessing.recipes.sample.command:command",
    subject="sample",
)
