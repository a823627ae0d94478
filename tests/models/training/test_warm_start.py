"""Runs that begin from the weights of another."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lia_bench.cli.main import run
from lia_bench.core.configuration import parse_settings
from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint
from lia_bench.models.training.planned_run import TrainingRequest
from lia_bench.models.training.run_folder import RunFolder
from lia_bench.models.training.trainer import train

pytestmark = pytest.mark.usefixtures("_toy")

Start = Callable[..., RunFolder]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def start(tmp_path: Path, data: Path, said: list[str]) -> Start:
    """Train the toy under a name: iterations, then settings as the command line takes them."""

    def run(name: str, iterations: int, *settings: str, **fields: Any) -> RunFolder:
        layers = (parse_settings((f"schedule.iterations={iterations}", *settings)),)
        request = TrainingRequest(
            **{"model": "toy", "layers": layers, "data_folder": data, "runs": tmp_path / "runs", "name": name, **fields}
        )
        return train(request, say=said.append)

    return run


def _weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    last = folder.last()
    assert last is not None
    return read_own_checkpoint(last).state


def _validations(folder: RunFolder) -> list[float]:
    with folder.metrics.open(newline="") as file:
        return [float(row["validation_l1"]) for row in csv.DictReader(file) if row["validation_l1"]]


def test_the_first_step_begins_where_the_donor_is(start: Start, said: list[str]) -> None:
    # Batch norm would move its statistics in the first step.
    plain = "model.batch_norm=false"
    donor = start("donor", 6, plain)
    said.clear()
    still = ("optimiser.rate=0", "schedule.seed=7", plain)
    begun = start("begun", 1, f"start.checkpoint={donor.path}", *still)
    (line,) = [line for line in said if line.startswith("begins from ")]
    assert str(donor.last()) in line
    assert line.endswith(f"a validation L1 of {_validations(donor)[-1]:.4f}")
    for name, weight in _weights(donor).items():
        assert torch.equal(weight, _weights(begun)[name])
    assert _validations(begun) == _validations(donor)[-1:]
    # Other weights than a fresh start of that seed has.
    fresh = start("fresh", 1, *still)
    assert any(not torch.equal(weight, _weights(begun)[name]) for name, weight in _weights(fresh).items())


def test_with_everything_a_run_goes_on_as_the_donor_would(start: Start) -> None:
    donor = start("donor", 4)
    training = load_training_state(donor.last() or donor.path)
    begun = start("begun", 1, f"start.checkpoint={donor.path}", "start.everything=true", "optimiser.rate=0")
    state = load_training_state(begun.last() or begun.path)
    for name, optimiser in state["optimisers"].items():
        before = training["optimisers"][name]["state"]
        assert all(value["step"] == before[key]["step"] + 1 for key, value in optimiser["state"].items())
    assert state["networks"].keys() == training["networks"].keys()


def test_going_on_takes_the_run_and_not_the_donor(start: Start, said: list[str]) -> None:
    donor = start("donor", 3)
    start("begun", 2, f"start.checkpoint={donor.path}")
    said.clear()
    begun = start("begun", 4, f"start.checkpoint={donor.path}")
    assert any(line.startswith("going on after iteration 2") for line in said)
    assert not any(line.startswith("begins from") for line in said)
    with pytest.raises(InputError, match=r"start\.checkpoint was .*donor, now"):
        start("begun", 5)
    assert begun.last_step() == 4


@pytest.mark.parametrize("everything", ["true", "false"])
def test_networks_of_another_shape_are_refused_before_anything_is_written(start: Start, everything: str) -> None:
    donor = start("donor", 1)
    with pytest.raises(CheckpointError, match=r"its animator is not that of this run \(\d+ weights? differ, such as"):
        start("other", 1, f"start.checkpoint={donor.path}", f"start.everything={everything}", "model.batch_norm=false")
    assert not (donor.path.parent / "other").exists()


def test_a_checkpoint_that_is_not_there(start: Start, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        start("begun", 1, f"start.checkpoint={tmp_path / 'nowhere'}")


def test_everything_of_nothing_is_refused(start: Start) -> None:
    with pytest.raises(InputError, match=r"start\.everything is of a start\.checkpoint"):
        start("begun", 1, "start.everything=true")


def test_the_options_are_the_settings(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], start: Start
) -> None:
    donor = start("donor", 2)
    monkeypatch.chdir(tmp_path)
    words = ["train", "toy", "--data", str(data), "--name", "begun", "--set", "schedule.iterations=1"]
    assert run([*words, "--from", str(donor.path), "--from-all", str(donor.path)], debug=False) == 1
    assert "give --from or --from-all, not both" in capsys.readouterr().err
    assert run([*words, "--from-all", str(donor.path)], debug=False) == 0
    assert f"begins from {donor.last()}" in capsys.readouterr().out
