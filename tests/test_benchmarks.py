"""Benchmarks that nobody has run at their size here run at a size that says nothing."""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What a benchmark's module holds, by its name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return lambda name: runpy.run_path(str(BENCHMARKS / f"{name}.py"))


@pytest.mark.slow
def test_the_benchmark_of_a_gpu_runs_from_its_first_section_to_its_last(program: Any, tmp_path: Path) -> None:
    output = tmp_path / "gpu.md"
    words = ["--device", "cpu", "--smoke", "--output", str(output)]
    done = CliRunner().invoke(program("gpu")["main"], words)
    assert done.exit_code == 0, done.output
    table = output.read_text(encoding="utf-8")
    assert table in done.stdout
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    found = {(row[0], row[1]) for row in cells}
    forms = ("eager float32", "bf16, channels_last")
    assert found >= {
        ("rate", "bf16 matrix product"),
        ("animate", "float32"),
        ("animate", "bf16"),
        *(("training step", form) for form in forms),
        *((f"loss, steps {step} to {step}", form) for step in (1, 2, 3) for form in forms),
        ("training with data", forms[1]),
        ("data wait", forms[1]),
    }
    # Nothing is said to be missing behind the table.
    assert table.rstrip().endswith("|")
    assert all(float(row[3]) > 0 for row in cells if row[0] != "data wait")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_benchmark_of_a_gpu_says_that_there_is_none(program: Any) -> None:
    done = CliRunner().invoke(program("gpu")["main"], [])
    assert done.exit_code == 1
    assert "no GPU is visible" in done.output
    assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["metrics", "preprocess"])
def test_plain_forms_name_the_extra_that_they_need(
    name: str, program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    done = CliRunner().invoke(program(name)["main"], [str(tmp_path)] * (2 if name == "metrics" else 1))
    assert done.exit_code == 1
    assert done.output.strip().endswith("[benchmarks]'")
    assert len(done.output.strip().splitlines()) == 1


def test_the_benchmark_of_growth_measures_and_judges(program: Any) -> None:
    scaling = program("scaling")
    done = CliRunner().invoke(scaling["main"], ["--work", "html, rows", "--measure", "3"])
    assert done.exit_code == 0, done.output
    seconds, peak = json.loads(done.stdout)
    assert seconds > 0
    assert peak > 1
    measurement = scaling["Measurement"]
    straight = [measurement(count, 0.5 + 0.01 * count, 100 + count / 1024) for count in (10, 100, 1000)]
    assert "(linear), memory by 1.00 KiB" in scaling["growth"](straight)
    bent = [measurement(count, 1e-6 * count**2, 100.0) for count in (10, 100, 1000)]
    assert "power 2.0" in scaling["growth"](bent)
    assert "more than linear" in scaling["growth"](bent)
