"""The benchmark of training, at a size that says nothing about speed."""

import runpy
import subprocess
from typing import Any

import pytest
from click.testing import CliRunner

from tests.forked import ForkServer
from tests.models.training.toy.world import REPOSITORY

SMALL = "--device cpu --variant demo-64 --size 64 --batch 2 --iterations 2 --warm-up 1 --set model.channel_limit=8"
PROGRAM = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"


@pytest.mark.slow
def test_forms_are_measured_side_by_side_and_their_losses_compared(
    fork_server: ForkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = REPOSITORY / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))

    def started(command: list[str], **how: Any) -> "subprocess.CompletedProcess[str]":
        process = fork_server.start(command[1:], PROGRAM, {"PYTHONPATH": str(folder)})
        output, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.wait(), output, errors)

    monkeypatch.setattr(subprocess, "run", started)
    forms = ("--form", "eager float32", "--form", "bf16")
    main = runpy.run_path(str(folder / "train.py"))["main"]
    done = CliRunner().invoke(main, [*SMALL.split(), *forms, "--curves", "3"])
    assert done.exit_code == 0, done.output
    tables = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    plain, mixed = (next(row for row in tables if row[0] == form) for form in ("eager float32", "bf16"))
    assert plain[2] == "1.00"
    assert float(mixed[2]) == pytest.approx(float(mixed[1]) / float(plain[1]), rel=0.05)
    curves = [row for row in tables if " to " in row[0]]
    assert [row[0] for row in curves] == ["1 to 1", "2 to 2", "3 to 3"]
    assert all(float(row[1]) == pytest.approx(float(row[2]), rel=0.05) for row in curves)
