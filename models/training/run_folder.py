"""The folder that a training run leaves: what it was, how it went, and its checkpoints."""

import csv
import math
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import click
import yaml
from pydantic import BaseModel, ConfigDict, Field

from lia_bench.core.atomic import write_text
from lia_bench.core.documents import Version, read_document, write_document
from lia_bench.core.errors import InputError
from lia_bench.core.names import printable

LAST = "last"
BEST = "best"


FORMAT: Literal[1] = 1
"""Of run.json and checkpoints.json."""
VERSION = Version("format", FORMAT)
EMPTY = b"\0 \t\r\n"
"""What a file holds whose content a power cut took."""
WAY_OUT = "restore it or start a run of another --name"


class RunFile(BaseModel):
    """A file of a run, or a part of one; keys that another version added stay in it."""

    model_config = ConfigDict(extra="allow", frozen=True)


class TrainingData(RunFile):
    """The dataset of a run: its name, its folder at the time, and its hash."""

    name: str
    folder: str
    hash: str


class Session(RunFile):
    """One start of a run.

    Attributes:
        command_line, date, versions, hardware: where it comes from, as `provenance` tells it.
        from_step: iterations that were done before.
        to_step: iterations after which the run is finished; None where it was written before that was told.
        accelerator, devices, nodes, precision, compile, channels_last, checkpoint_activations, shard_optimisers: what
            it trained on, and how.
    """

    command_line: str
    date: str
    versions: dict[str, str | None]
    hardware: dict[str, Any]
    from_step: int = Field(ge=0)
    accelerator: str
    devices: int
    nodes: int
    precision: str
    compile: bool = False
    channels_last: bool = False
    checkpoint_activations: bool = False
    shard_optimisers: bool = False
    to_step: int | None = None


class RunDescription(RunFile):
    """What run.json holds.

    Attributes:
        format: version of this schema.
        model: its name in the registry; `variant` is empty where it has none.
        started: date of the first session, ISO 8601 in UTC.
        sessions: the starts of the run, the first one first.
    """

    format: Literal[1] = FORMAT
    model: str
    variant: str
    dataset: TrainingData
    started: str
    sessions: tuple[Session, ...]

    def with_session(self, session: Session) -> Self:
        """With one more start of the run."""
        return self.model_copy(update={"sessions": (*self.sessions, session)})


STEP = re.compile(r"[0-9]{8,}")
Step = Annotated[str, Field(pattern=r"^\d{8,}$")]
"""The name of a checkpoint: the iterations that it has behind it."""


class CheckpointIndex(RunFile):
    """What checkpoints.json holds; nothing before the first checkpoint.

    Attributes:
        format: version of this schema.
        last, best: folders below `checkpoints/`; the best has the lowest validation L1.
        written: when the last one was, ISO 8601 in UTC.
    """

    format: Literal[1] = FORMAT
    best: Step | None = None
    best_validation_l1: float | None = None
    last: Step | None = None
    last_validation_l1: float | None = None
    written: str = ""


@dataclass(frozen=True)
class RunFolder:
    """`runs/<model>/<name>/`.

    Holds `config.yaml` (resolved configuration), `run.json` (model, variant, dataset, sessions), `metrics.csv`,
    `tensorboard/`, `pictures/`, `checkpoints/<step>/` and `checkpoints.json`, the index that says which
    checkpoint is the last and which the best. A checkpoint counts once the index names it; an index that is lost or
    empty is told from the checkpoints that are there, with a line on standard error.
    """

    path: Path

    @property
    def configuration(self) -> Path:
        """The resolved configuration, YAML."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """The table of losses and rates."""
        return self.path / "metrics.csv"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard logs."""
        return self.path / "tensorboard"

    @property
    def pictures(self) -> Path:
        """Folder of sample pictures, `<step>.png`, and videos, `<step>.mp4`."""
        return self.path / "pictures"

    def exists(self) -> bool:
        """Whether a run was started here."""
        return self._description.is_file()

    def description(self) -> RunDescription:
        """The content of run.json.

        Raises:
            InputError: it is damaged.
        """
        return read_document(self._description, RunDescription, "a run", WAY_OUT, version=VERSION)

    def begin(self, description: RunDescription, configuration: Mapping[str, Any]) -> None:
        """Write the resolved configuration, then run.json, whose presence makes this a run."""
        write_text(self.configuration, yaml.safe_dump(dict(configuration), sort_keys=False))
        write_document(self._description, description)

    def last(self) -> Path | None:
        """Folder of the last checkpoint, or None before the first."""
        return self._folder(self._index().last)

    def best(self) -> Path | None:
        """Folder of the checkpoint with the lowest validation L1, or None before the first."""
        return self._folder(self._index().best)

    def last_step(self) -> int:
        """Iterations that the last checkpoint has behind it; 0 without one."""
        last = self.last()
        return int(last.name) if last else 0

    def to_go(self) -> int:
        """Iterations that the run has still to do; 0 where it is finished, or where it does not say."""
        stop = self.description().sessions[-1].to_step if self.description().sessions else None
        return max(0, (stop or 0) - self.last_step())

    def lowest_l1(self) -> float:
        """Validation L1 of the best checkpoint; infinite before the first."""
        lowest = self._index().best_validation_l1
        return math.inf if lowest is None else lowest

    def written(self) -> str:
        """When the last checkpoint was written, ISO 8601 in UTC; empty without one."""
        return self._index().written

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint after `step` iterations lies or is to be written."""
        return self.path / "checkpoints" / f"{step:08d}"

    def record(self, step: int, validation_l1: float) -> None:
        """Point the index at the checkpoint of `step`, just written, then delete those it no longer names."""
        name = self.checkpoint(step).name
        # As it stands: what was just written is no checkpoint that an index forgot.
        index = self._read_index()
        changes: dict[str, Any] = {"last": name, "last_validation_l1": validation_l1, "written": _now()}
        if index.best_validation_l1 is None or validation_l1 < index.best_validation_l1:
            changes |= {"best": name, "best_validation_l1": validation_l1}
        write_document(self._index_path, index.model_copy(update=changes))
        self.tidy()

    def restore_index(self) -> None:
        """Write the index anew where it is lost or empty; only for who trains here."""
        index = self._index()
        if index.last is not None:
            write_document(self._index_path, index)

    def tidy(self) -> None:
        """Delete what a killed run left half-written, and checkpoints that the index does not name."""
        index = self._index()
        for folder in (self.path / "checkpoints").glob("*"):
            if folder.name not in (index.last, index.best):
                shutil.rmtree(folder, ignore_errors=True)
        for file in self.path.glob(".*.partial*"):
            file.unlink()

    @property
    def _description(self) -> Path:
        return self.path / "run.json"

    @property
    def _index_path(self) -> Path:
        return self.path / "checkpoints.json"

    def _index(self) -> CheckpointIndex:
        index = self._read_index()
        return self._index_of_folders() if index.last is None else index

    def _read_index(self) -> CheckpointIndex:
        if not self._index_path.is_file() or not self._index_path.read_bytes().strip(EMPTY):
            return CheckpointIndex()
        return read_document(self._index_path, CheckpointIndex, "an index of checkpoints", WAY_OUT, version=VERSION)

    def _index_of_folders(self) -> CheckpointIndex:
        """The index as the folders of checkpoints tell it, and the table of losses which is the best."""
        names = sorted(folder.name for folder in (self.path / "checkpoints").glob("*") if STEP.fullmatch(folder.name))
        if not names:
            return CheckpointIndex()
        losses = {name: l1 for name, l1 in _validated(self.metrics).items() if name in names}
        last, best = max(names, key=int), min(losses, key=losses.__getitem__, default=None)
        written = datetime.fromtimestamp(self.checkpoint(int(last)).stat().st_mtime, UTC)
        _say_restored(self._index_path, last, best)
        return CheckpointIndex(
            best=best or last,
            best_validation_l1=losses.get(best or last),
            last=last,
            last_validation_l1=losses.get(last),
            written=written.isoformat(timespec="microseconds"),
        )

    def _folder(self, checkpoint: str | None) -> Path | None:
        return self.path / "checkpoints" / checkpoint if checkpoint else None


def run_folder(runs: Path, model: str, name: str) -> RunFolder:
    """The folder of a model's run.

    Raises:
        InputError: `name` cannot be the name of one folder, or means something else.
    """
    if name in (LAST, BEST) or not re.fullmatch(r"[\w.,+=@-]+", name) or name.startswith("."):
        raise InputError(f"--name {name}: take letters, digits and .,+=@_-, and neither '{LAST}' nor '{BEST}'")
    return RunFolder(runs / model / name)


_said: set[Path] = set()


def _validated(metrics: Path) -> dict[str, float]:
    """The validation L1 of each checkpoint, by its name, that a table of losses has; empty without one."""
    losses = {}
    with suppress(OSError, UnicodeDecodeError, csv.Error), metrics.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with suppress(KeyError, TypeError, ValueError):
                losses[f"{int(row['step']):08d}"] = float(row["validation_l1"])
    return {name: l1 for name, l1 in losses.items() if math.isfinite(l1)}


def _say_restored(index: Path, last: str, best: str | None) -> None:
    # A command looks several times.
    if index.absolute() in _said:
        return
    _said.add(index.absolute())
    reason = "it names none" if index.is_file() else "it is lost"
    told = f"rebuilt from their folders, the last is {last}, the best {best or 'unknown'}"
    click.echo(printable(f"{index}: not readable as an index of checkpoints ({reason}): {told}"), err=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
