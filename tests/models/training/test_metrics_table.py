"""metrics.csv over several sessions of a run."""

from pathlib import Path

import pytest

from lia_bench.core.errors import InputError
from lia_bench.models.training.journal import MetricsTable


def test_rows_after_the_checkpoint_are_dropped_when_a_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    table = MetricsTable(path, last_step=0)
    for step in (5, 10, 15):
        table.append({"step": step, "l1": f"0.{step}"})
    with path.open("a") as file:
        file.write("2")  # what a kill in the middle of a row leaves
    table = MetricsTable(path, last_step=10)
    table.append({"step": 15, "l1": "0.9"})
    assert path.read_text() == "step,l1\n5,0.5\n10,0.10\n15,0.9\n"


def test_a_column_that_comes_later_widens_the_table(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    table = MetricsTable(path, last_step=0)
    table.append({"step": 5, "l1": "0.5"})
    table.append({"step": 10, "l1": "0.4", "r1": "2"})
    table.append({"step": 15, "l1": "0.3"})
    assert path.read_text() == "step,l1,r1\n5,0.5,\n10,0.4,2\n15,0.3,\n"


@pytest.mark.parametrize(
    "content", ["step,l1\n5\n10,0.4\n", "step,l1\n5,0.5,9\n", "l1\n0.5\n", "step\nx\n", "\0\0\0", "\x80"]
)
def test_a_damaged_table_is_one_line_and_stays_as_it_is(content: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"metrics\.csv: damaged, or no table of losses: put back"):
        MetricsTable(path, last_step=10)
    assert path.read_text(encoding="latin-1") == content
