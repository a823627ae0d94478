"""Which run is taken where none is named: finished ones before others, and never a sweep's."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lia_bench.core.errors import CheckpointError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.models.training.run_folder import RunDescription, RunFolder, Session, TrainingData, run_folder
from lia_bench.models.training.runs import newest_of_model, newest_run, resolve_checkpoint
from lia_bench.preprocessing.prepared.tar_files import PackingOptions, pack
from tests.preprocessing.prepared import small_dataset

SESSION: dict[str, Any] = {
    "command_line": "",
    "date": "",
    "versions": {},
    "hardware": {},
    "from_step": 0,
    "accelerator": "cpu",
    "devices": 1,
    "nodes": 1,
    "precision": "32-true",
}


def trained(runs: Path, name: str, step: int, stop: int | None, variant: str = "demo-64") -> RunFolder:
    """A run of `stop` iterations, `step` of which are done."""
    run = run_folder(runs, "lia", name)
    data = TrainingData(name="vox", folder="f", hash="a")
    sessions = (Session(**SESSION, to_step=stop),)
    run.begin(RunDescription(model="lia", variant=variant, dataset=data, started="", sessions=sessions), {})
    run.checkpoint(step).mkdir(parents=True)
    run.record(step, 0.1)
    return run


def test_an_unfinished_run_says_so_and_a_finished_one_is_taken_before_it(tmp_path: Path) -> None:
    said: list[str] = []
    unfinished = trained(tmp_path, "first", 200, 1000)
    assert newest_run(tmp_path, "lia", announce=said.append) == unfinished
    assert said == [f"lia: {unfinished.path} is not finished (200 of 1,000 iterations)"]
    finished = trained(tmp_path, "second", 1000, 1000)
    assert newest_run(tmp_path, "lia", announce=said.append) == finished
    assert len(said) == 1
    newer = trained(tmp_path, "third", 300, 1000)
    assert newest_run(tmp_path, "lia", announce=said.append) == finished
    assert said[1:] == [f"lia: {newer.path} is not finished (300 of 1,000 iterations): an older run is taken"]


def test_a_run_that_does_not_say_how_long_it_is_counts_as_finished(tmp_path: Path) -> None:
    said: list[str] = []
    run = trained(tmp_path, "before", 200, None)
    assert newest_run(tmp_path, "lia", announce=said.append) == run
    assert said == []


def test_a_run_on_a_packed_dataset_is_one_on_the_dataset_itself(tmp_path: Path) -> None:
    folder = small_dataset(tmp_path / "small-32")
    pack(folder, tmp_path / "packed", PackingOptions())
    whole, packed = open_dataset(folder), open_dataset(tmp_path / "packed")
    run = run_folder(tmp_path / "runs", "lia", "run")
    data = TrainingData(name=packed.name, folder=str(packed.folder), hash=packed.hash)
    run.begin(RunDescription(model="lia", variant="demo-64", dataset=data, started="", sessions=()), {})
    run.checkpoint(10).mkdir(parents=True)
    run.record(10, 0.1)
    assert newest_run(tmp_path / "runs", "lia", whole) == newest_run(tmp_path / "runs", "lia", packed) == run
    assert newest_run(tmp_path / "runs", "lia", replace(whole, hash="another")) is None
    # Packed anew, it may have been made of other clips.
    pack(folder, tmp_path / "other", PackingOptions(quality=50))
    (tmp_path / "other" / "dataset.json").replace(tmp_path / "packed" / "dataset.json")
    assert newest_run(tmp_path / "runs", "lia", whole) is None


def test_a_member_of_a_sweep_is_never_the_newest_run(tmp_path: Path) -> None:
    swept = trained(tmp_path, "x+loss.l1=0", 10, 10)
    listed = {"format": 1, "model": "lia", "runs": [{"name": swept.path.name, "settings": {"loss.l1": 0}}]}
    (tmp_path / "lia" / "x+loss.l1.sweep.json").write_text(json.dumps(listed))
    assert newest_run(tmp_path, "lia") is newest_of_model(tmp_path, "lia") is None
    with pytest.raises(CheckpointError, match="no checkpoint there"):
        resolve_checkpoint(tmp_path / "lia" / "last")
    assert resolve_checkpoint(swept.path) == swept.checkpoint(10)
    own = trained(tmp_path, "own", 10, 10)
    swept.record(10, 0.1)
    assert newest_run(tmp_path, "lia") == newest_of_model(tmp_path, "lia") == own
    assert resolve_checkpoint(tmp_path / "lia" / "last") == own.checkpoint(10)


def test_only_runs_of_the_named_variant_count(tmp_path: Path) -> None:
    small, large = trained(tmp_path, "a", 10, 10), trained(tmp_path, "b", 10, 10, variant="vox-256")
    assert newest_run(tmp_path, "lia", variant="demo-64") == small
    assert newest_run(tmp_path, "lia", variant="vox-256") == newest_run(tmp_path, "lia") == large
    assert newest_run(tmp_path, "lia", variant="ted-256") is None
