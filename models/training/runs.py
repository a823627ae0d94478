"""The runs of a model that are there: which a checkpoint's name means, which is the newest, which are of a sweep."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from lia_bench.core.dataset_description import read_description
from lia_bench.core.documents import Version, read_document
from lia_bench.core.errors import CheckpointError, InputError
from lia_bench.models.training.run_folder import BEST, LAST, RunFolder, TrainingData

if TYPE_CHECKING:
    from lia_bench.core.prepared_dataset import PreparedDataset

SWEEP_SUFFIX = ".sweep.json"


class SweepRun(BaseModel):
    """A run of a sweep, as the list holds it: the name of its folder, and the settings that are its own."""

    name: str
    settings: dict[str, Any] = {}


class SweepList(BaseModel):
    """What a sweep's file holds.

    Attributes:
        format: version of this schema.
        runs: those of every start of the sweep, beside the file; they may hold checkpoints or not.
    """

    format: Literal[1] = 1
    model: str
    runs: tuple[SweepRun, ...]


def read_sweep(path: Path) -> SweepList:
    """The list of a sweep's runs.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    way_out = "start the sweep again to write it anew"
    return read_document(path, SweepList, "a sweep", way_out, version=Version("format", 1))


def runs_of_sweep(path: Path) -> tuple[str, list[Path]]:
    """The model of a sweep's file, and its run folders, whether they hold checkpoints yet or not.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    listed = read_sweep(path)
    return listed.model, [path.with_name(run.name) for run in listed.runs]


def resolve_checkpoint(path: Path) -> Path:
    """The checkpoint that `path` means.

    A run folder means its last checkpoint; `<run>/last` and `<run>/best` mean what they say; `runs/<model>/last`
    means the last checkpoint of the model's newest run, never of a sweep's; a checkpoint folder or a file means itself.

    Raises:
        CheckpointError: there is none.
        InputError: the list of a sweep's runs beside it is damaged.
    """
    run = RunFolder(path)
    if run.exists():
        return _present(run.last(), path)
    outer = RunFolder(path.parent)
    if path.name in (LAST, BEST) and outer.exists():
        return _present(outer.last() if path.name == LAST else outer.best(), path)
    if path.name == LAST and not path.exists():
        newest = _newest(_trained(path.parent))
        return _present(newest.last() if newest else None, path)
    return _present(path, path)


def newest_run(
    runs: Path,
    model: str,
    dataset: "PreparedDataset | None" = None,
    variant: str | None = None,
    announce: Callable[[str], None] = lambda line: None,
) -> RunFolder | None:
    """The finished run whose last checkpoint is the newest; without one, the newest unfinished one. None of a sweep.

    Args:
        runs: folder of training runs.
        model: its name in the registry.
        dataset: what the run has to be on: the same hash or the same name, or what its dataset was packed from, as
            long as that is there; None takes any.
        variant: the run's; None takes any.
        announce: is told that a run is not finished, where that is taken, or is newer than what is taken.

    Raises:
        InputError: a run.json or the list of a sweep's runs is damaged.
    """

    def asked_for(run: RunFolder) -> bool:
        description = run.description()
        if variant not in (None, description.variant):
            return False
        used = description.dataset
        same = dataset is None or dataset.hash == used.hash or dataset.name == used.name
        return same or (dataset is not None and dataset.hash == _packed_from(used))

    found = [run for run in _trained(runs / model) if asked_for(run)]
    newest = _newest(found)
    taken = _newest(run for run in found if not run.to_go()) or newest
    if newest is not None and newest.to_go():
        done = newest.last_step()
        progress = f"{newest.path} is not finished ({done:,} of {done + newest.to_go():,} iterations)"
        announce(f"{model}: {progress}" if newest is taken else f"{model}: {progress}: an older run is taken")
    return taken


def newest_of_model(runs: Path, model: str) -> RunFolder | None:
    """The run of `model`, on whatever data, whose last checkpoint is the newest, finished or not; none of a sweep."""
    return _newest(_trained(runs / model))


def _trained(folder: Path) -> Iterator[RunFolder]:
    """The runs with a checkpoint that are not members of a sweep."""
    swept = {run for file in folder.glob(f"*{SWEEP_SUFFIX}") for run in runs_of_sweep(file)[1]}
    for path in sorted(folder.glob("*")):
        run = RunFolder(path)
        if path not in swept and run.exists() and run.last():
            yield run


def _packed_from(used: TrainingData) -> str | None:
    """The hash of the dataset whose frames a run's were, packed; None of one that is not packed, or is another now."""
    with suppress(InputError):
        description = read_description(Path(used.folder))
        if description.hash == used.hash and description.packed is not None:
            return description.packed.source
    return None


def _newest(runs: "Iterator[RunFolder] | list[RunFolder]") -> RunFolder | None:
    return max(runs, key=RunFolder.written, default=None)


def _present(checkpoint: Path | None, asked: Path) -> Path:
    if checkpoint is None or not checkpoint.exists():
        raise CheckpointError(f"{asked}: no checkpoint there: train first, or name another")
    return checkpoint
