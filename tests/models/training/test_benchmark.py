"""The benchmark of training, at a size that says nothing about speed."""

import subprocess
import sys

import pytest

from tests.models.training.toy.world import REPOSITORY

SMALL = "--device cpu --variant demo-64 --size 64 --batch 2 --iterations 2 --warm-up 1 --set model.channel_limit=8"


@pytest.mark.slow
def test_forms_are_measured_side_by_side_and_their_losses_compared() -> None:
    forms = ("--form", "eager float32", "--form", "bf16")
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "train.py"), *SMALL.split(), *forms, "--curves", "3"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    tables = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    plain, mixed = (next(row for row in tables if row[0] == form) for form in ("eager float32", "bf16"))
    assert plain[2] == "1.00"
    assert float(mixed[2]) == pytest.approx(float(mixed[1]) / float(plain[1]), rel=0.05)
    curves = [row for row in tables if " to " in row[0]]
    assert [row[0] for row in curves] == ["1 to 1", "2 to 2", "3 to 3"]
    assert all(float(row[1]) == pytest.approx(float(row[2]), rel=0.05) for row in curves)
