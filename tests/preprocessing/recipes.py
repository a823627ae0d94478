"""Recipes run as a user runs them, and what they wrote."""

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from lia_bench.core.registry import load_attribute
from lia_bench.preprocessing.specification import DATASETS


def prepare(name: str, footage: Path, output: Path, *words: str) -> Result:
    """Run a recipe by its command, at 64 pixels."""
    options = ("--footage", str(footage), "--output", str(output), "--size", "64", "--workers", "1")
    return CliRunner().invoke(load_attribute(DATASETS[name].command), [*options, *words])


def rows_of(output: Path) -> list[dict[str, str]]:
    """The rows of a clips.csv."""
    with (output / "clips.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def clips_of(output: Path) -> dict[str, tuple[str, str]]:
    """Partition and number of frames of the clips that were cut, by name."""
    return {row["clip"]: (row["partition"], row["frames"]) for row in rows_of(output) if row["status"] == "ok"}
