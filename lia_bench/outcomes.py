"""What the functions of `lia_bench` return: folders that the commands write, with their tables as pandas frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from lia_bench.core.clips_table import TABLE, read_clips_table
from lia_bench.core.dataset_description import DatasetDescription, read_description
from lia_bench.core.errors import InputError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.text_files import read_table
from lia_bench.leaderboards.results.columns import LEADERBOARD, is_score, names_of, present
from lia_bench.leaderboards.results.csv_reading import read_results
from lia_bench.leaderboards.results.csv_writing import PER_CLIP, cells_of, header_of, said

if TYPE_CHECKING:
    from lia_bench.leaderboards.evaluation.request import EvaluationOutcome
    from lia_bench.models.training.run_folder import RunFolder


@dataclass(frozen=True)
class PreparedFolder:
    """A prepared dataset.

    Attributes:
        folder: holds its clips, clips.csv and dataset.json.
    """

    folder: Path

    @property
    def description(self) -> DatasetDescription:
        """What dataset.json says: recipe, subject, size, counts, and the hash to cite."""
        return read_description(self.folder)

    def clips(self) -> pd.DataFrame:
        """clips.csv: a row for every clip that was tried, with its `status` and the `reason` where it is not there."""
        table = read_clips_table(self.folder / TABLE)
        return _frame(table.columns, table.rows, {"start", "end", "fps", "width", "height", "frames"})


@dataclass(frozen=True)
class TrainedRun:
    """A training run.

    Attributes:
        folder: holds its configuration, metrics.csv, pictures and checkpoints.
        checkpoint: its last one, which `animate` and `evaluate` take as `<model>@<checkpoint>`.
        best: the one with the lowest validation L1.
        metrics: the last value of every column of metrics.csv.
    """

    folder: Path
    checkpoint: Path
    best: Path
    metrics: Mapping[str, float]

    @classmethod
    def of(cls, run: "RunFolder") -> "TrainedRun":
        """A run that has a checkpoint."""
        last, best = run.last(), run.best()
        assert last is not None
        assert best is not None
        history = _history(run.path)
        return cls(run.path, last, best, {str(name): float(history[name].dropna().iloc[-1]) for name in history})

    def history(self) -> pd.DataFrame:
        """metrics.csv: losses and rates by iteration (`step`); cells of what was not measured there are NaN."""
        return _history(self.folder)


def _history(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metrics.csv").dropna(axis="columns", how="all")


@dataclass(frozen=True)
class Results:
    """What was evaluated or scored.

    Attributes:
        folders: of results, each with a leaderboard.csv.
        failures: a line for each clip that was left out, and for each row that cannot be read.
    """

    folders: tuple[Path, ...]
    failures: tuple[str, ...] = ()

    @classmethod
    def of(cls, outcome: "EvaluationOutcome", say: Callable[[str], None]) -> "Results":
        """The results of an evaluation, whose failures `say` is told."""
        if outcome.first:
            for line in outcome.failures:
                say(f"left out: {line}")
        return cls((outcome.leaderboard.parent,), outcome.failures)

    @classmethod
    def read(cls, folder: Path) -> "Results":
        """Those of a folder, or of the folders in it.

        Raises:
            InputError: there is no row that can be read.
        """
        rows, problems = read_results([folder])
        if not rows:
            raise InputError(problems[0] if problems else f"{folder}: no results; `lia-bench evaluate` writes them")
        files = dict.fromkeys(row.file for row in rows if row.file is not None)
        return cls(tuple(file.parent for file in files), tuple(problems))

    def table(self) -> pd.DataFrame:
        """leaderboard.csv: a row for each model, task and transfer, means over clips with their intervals."""
        rows, _ = read_results([folder / LEADERBOARD for folder in self.folders])
        cells = [{**cells_of(row), **row.values} for row in rows]
        return pd.DataFrame(cells, columns=said(header_of(rows, present(rows)), cells))

    def clips(self) -> pd.DataFrame:
        """per_clip.csv: a row for each clip and model."""
        tables = [read_table(inner_file(folder, PER_CLIP)) for folder in self.folders]
        frames = []
        for table in tables:
            numbers = {name for name in table.columns if is_score(name) or name in names_of("count")}
            frames.append(_frame(table.columns, [row for _, row in table.rows()], numbers))
        return pd.concat(frames, ignore_index=True)


def _frame(columns: Sequence[str], rows: Sequence[Mapping[str, str]], numbers: set[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    for name in numbers.intersection(columns):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame
