"""Which checkpoint a path means, which run is the newest, and what survives a kill."""

from pathlib import Path

import pytest

from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.core.prepared_dataset import PreparedDataset
from lia_bench.models.training.run_folder import (
    RunDescription,
    RunFolder,
    TrainingData,
    run_folder,
)
from lia_bench.models.training.runs import newest_run, resolve_checkpoint


def make_run(runs: Path, name: str, dataset: str = "vox", digest: str = "a", model: str = "lia") -> RunFolder:
    run = run_folder(runs, model, name)
    data = TrainingData(name=dataset, folder="f", hash=digest)
    run.begin(RunDescription(model=model, variant="v", dataset=data, started="", sessions=()), {})
    return run


def save(run: RunFolder, step: int, l1: float) -> Path:
    folder = run.checkpoint(step)
    folder.mkdir(parents=True)
    run.record(step, l1)
    return folder


def dataset(name: str, digest: str) -> PreparedDataset:
    return PreparedDataset(name, Path("elsewhere"), digest, ())


def test_last_and_best_are_kept_and_the_others_deleted(tmp_path: Path) -> None:
    run = make_run(tmp_path, "x")
    assert run.last() is run.best() is None
    for step, l1 in ((10, 0.5), (20, 0.2), (30, 0.4), (40, 0.3)):
        save(run, step, l1)
    assert run.last() == run.checkpoint(40)
    assert run.best() == run.checkpoint(20)
    assert run.last_step() == 40
    assert run.lowest_l1() == 0.2
    assert sorted(folder.name for folder in (run.path / "checkpoints").iterdir()) == ["00000020", "00000040"]


def test_a_checkpoint_that_the_index_does_not_name_is_none(tmp_path: Path) -> None:
    run = make_run(tmp_path, "x")
    save(run, 10, 0.5)
    run.checkpoint(20).mkdir()
    (run.path / "checkpoints" / ".00000030.ab.partial").mkdir()
    (run.path / ".checkpoints.ab.partial.json").write_text("{")
    assert run.last() == run.checkpoint(10)
    run.tidy()
    assert [folder.name for folder in (run.path / "checkpoints").iterdir()] == ["00000010"]
    assert not list(run.path.glob(".*"))


def test_what_a_path_to_a_checkpoint_means(tmp_path: Path) -> None:
    run = make_run(tmp_path, "x")
    best, last = save(run, 10, 0.1), save(run, 20, 0.5)
    assert resolve_checkpoint(run.path) == last
    assert resolve_checkpoint(run.path / "last") == last
    assert resolve_checkpoint(run.path / "best") == best
    assert resolve_checkpoint(best) == best
    file = tmp_path / "vox.pt"
    file.touch()
    assert resolve_checkpoint(file) == file
    newer = save(make_run(tmp_path, "y"), 5, 0.5)
    make_run(tmp_path, "z-without-checkpoint")
    assert resolve_checkpoint(tmp_path / "lia" / "last") == newer


@pytest.mark.parametrize("path", ["nowhere", "lia/last", "fomm/last", "lia/started", "lia/started/best"])
def test_no_checkpoint_is_an_error_that_names_what_was_asked_for(tmp_path: Path, path: str) -> None:
    make_run(tmp_path, "started")
    with pytest.raises(CheckpointError, match=path):
        resolve_checkpoint(tmp_path / path)


def test_the_newest_run_of_a_model_on_a_dataset(tmp_path: Path) -> None:
    runs = {
        name: make_run(tmp_path, name, *of) for name, *of in (("1", "vox", "a"), ("2", "vox", "b"), ("3", "ted", "c"))
    }
    for name in ("3", "2", "1"):
        save(runs[name], 10, 0.1)
    make_run(tmp_path, "4", "vox", "a")
    make_run(tmp_path, "5", "vox", "a", model="fomm")
    assert newest_run(tmp_path, "lia", dataset("vox", "x")) == runs["1"]
    assert newest_run(tmp_path, "lia", dataset("renamed", "b")) == runs["2"]
    assert newest_run(tmp_path, "lia", dataset("taichi", "x")) is None
    assert newest_run(tmp_path, "mraa", dataset("vox", "a")) is None
    save(runs["2"], 20, 0.1)
    assert newest_run(tmp_path, "lia", dataset("vox", "x")) == runs["2"]


@pytest.mark.parametrize("name", ["last", "best", "a/b", "..", "", ".hidden"])
def test_names_that_no_run_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--name"):
        run_folder(tmp_path, "lia", name)
