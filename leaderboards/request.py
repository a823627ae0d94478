"""What a user asks an evaluation for, and what it leaves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.report import Report
from lia_bench.metrics.registry import METRICS

TASKS = ("reconstruction", "cross")


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        models: references `name[:variant][@checkpoint]`; identity is added.
        dataset: name or folder of a prepared dataset; None is the only one in `data`.
        tasks: of 'reconstruction' and 'cross'.
        transfer: of the cross task; reconstruction is always absolute.
        metrics: names; None is all there are.
        name: of the results folder; None is made from the dataset, the size and what differs from the usual.
        device: torch's name; None is the GPU where there is one.
        batch_size: frames rendered together; numbers do not depend on it, the speed does.
        clips: a list of clips (see `lia_bench.core.clip_list`); only the test clips that it names count.
        limit: only the first so many test clips are animated or drive; None is all.
        seed: of the pairs and of the intervals.
        pairs: animations of the cross task; None is one a clip, at most 50.
        videos: whether to write side-by-side videos.
        data: folder of prepared datasets.
        runs: folder of training runs.
        results: folder of results.
    """

    models: tuple[str, ...]
    dataset: str | None = None
    tasks: tuple[str, ...] = TASKS
    transfer: str = "relative"
    metrics: tuple[str, ...] | None = None
    name: str | None = None
    device: str | None = None
    batch_size: int = 8
    clips: Path | None = None
    limit: int | None = None
    seed: int = 0
    pairs: int | None = None
    videos: bool = True
    data: Path = Path("data")
    runs: Path = Path("runs")
    results: Path = Path("results")

    def check(self) -> None:
        """Raise InputError or UnknownNameError for a value that cannot be, before anything is loaded."""
        for task in self.tasks:
            if task not in TASKS:
                raise InputError(unknown("task", task, TASKS))
        for metric in self.metrics or ():
            METRICS[metric]
        counts = {"batch-size": self.batch_size, "limit": self.limit, "pairs": self.pairs}
        for option, value in counts.items():
            if value is not None and value < 1:
                raise InputError(f"--{option} {value}: it must be at least 1")
        if self.name is not None and (Path(self.name).name != self.name or self.name.startswith(".")):
            raise InputError(f"--name {self.name}: it names one folder in {self.results}, without slashes")


@dataclass(frozen=True)
class EvaluationOutcome:
    """What an evaluation left.

    Attributes:
        report: the report of the results folder.
        run: the entry of this evaluation in it.
        leaderboard: path of leaderboard.csv.
        per_clip: path of per_clip.csv.
        video: path of one side-by-side video; None where none was written.
        failures: one line for each clip that could not be read.
    """

    report: Report
    run: dict[str, Any]
    leaderboard: Path
    per_clip: Path
    video: Path | None
    failures: tuple[str, ...]
