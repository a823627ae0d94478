"""Numbers that are read an iteration late, as on a GPU: the run is the same, and stops at the same step."""

from functools import partial
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from lia_bench.core.configuration import parse_settings
from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.models.training import loop
from lia_bench.models.training.planned_run import TrainingRequest
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.step import LateNumbers
from lia_bench.models.training.trainer import train

SPEEDS = ("images_per_second", "data_wait", "peak_memory_mib")


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LateNumbers", partial(LateNumbers, late=1))


def run_toy(runs: Path, data: Path, *settings: str) -> RunFolder:
    shorter = ("schedule.iterations=7", "schedule.log_every=3", "schedule.checkpoint_every=5", *settings)
    request = TrainingRequest(model="toy", data_folder=data, runs=runs, layers=(parse_settings(shorter),))
    return train(request, say=lambda _: None)


def test_each_comes_when_the_next_is_under_way() -> None:
    numbers = LateNumbers(Fabric(accelerator="cpu"), late=1)
    numbers.put(1, {"l1": torch.tensor(0.5)}, {"generator": torch.tensor(2.0)}, {"stop": False})
    assert not list(numbers.arrived())
    numbers.put(2, {"l1": torch.tensor(0.25)}, {}, {"stop": True})
    (first,) = numbers.arrived()
    assert (first.step, first.losses, first.gradient_norms) == (1, {"l1": 0.5}, {"generator": 2.0})
    assert not first.flags["stop"]
    (second,) = numbers.arrived(everything=True)
    assert (second.step, second.losses, second.gradient_norms) == (2, {"l1": 0.25}, {})
    assert second.flags["stop"]


@pytest.mark.usefixtures("_toy", "late")
def test_the_table_is_the_same(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = run_toy(tmp_path / "late", data)
    monkeypatch.setattr(loop, "LateNumbers", LateNumbers)
    tables = []
    for run in (later, run_toy(tmp_path / "at-once", data)):
        header, *rows = [line.split(",") for line in run.metrics.read_text().splitlines()]
        tables.append([{key: cell for key, cell in zip(header, row) if key not in SPEEDS} for row in rows])  # noqa: B905
    assert [row["step"] for row in tables[0]] == ["3", "5", "6", "7"]
    assert tables[0] == tables[1]


@pytest.mark.usefixtures("_toy", "late")
def test_a_loss_that_is_no_number_is_told_at_its_step(tmp_path: Path, data: Path) -> None:
    with pytest.raises(LiaBenchError, match=r"step 1: the loss 'l1' is nan"):
        run_toy(tmp_path, data, "loss.noise=.nan")


def test_frames_too_small_for_the_perceptual_loss_are_refused(tmp_path: Path, data: Path) -> None:
    request = TrainingRequest(
        model="lia", variant="demo-64", data_folder=data, runs=tmp_path, layers=({"loss": {"perceptual": 10}},)
    )
    with pytest.raises(InputError, match=r"loss\.perceptual compares frames of 64 pixels.* frames of 128"):
        train(request)
    assert not any(tmp_path.glob("lia/*"))
