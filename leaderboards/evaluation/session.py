"""An evaluation at work in its results folder: processes that share it, the lock, the report, clip after clip."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lia_bench.core.atomic import remove_partial
from lia_bench.core.console import progress
from lia_bench.core.errors import UnreadableVideoError
from lia_bench.core.names import printable
from lia_bench.core.processes import Processes, alone_in_folder
from lia_bench.core.provenance import VERSION, provenance, utc_date
from lia_bench.leaderboards.evaluation.course import MismatchedVideosError
from lia_bench.leaderboards.evaluation.films import VIDEOS
from lia_bench.leaderboards.evaluation.pairs import PAIRS, write_pairs
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome
from lia_bench.leaderboards.evaluation.set_scores import set_scores
from lia_bench.leaderboards.results.columns import LEADERBOARD
from lia_bench.leaderboards.results.csv_writing import write_tables
from lia_bench.leaderboards.results.report import (
    ClipEntry,
    ClipPair,
    EvaluationSetting,
    Failure,
    Key,
    MetricMeaning,
    Plan,
    PlannedModel,
    Run,
    ScoreSetting,
    SetScore,
    SetScores,
)
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.metrics.specification import Compares
from lia_bench.metrics.suite import Suite

Announce = Callable[[str], None]


class Item(Protocol):
    """A piece of work: one clip for all models."""

    @property
    def key(self) -> Key:
        """Task, source and clip: what tells it from the others."""
        ...


Work = TypeVar("Work", bound=Item)


@dataclass(frozen=True)
class SessionPlan:
    """What a session is about: every check is made, and nothing is written yet.

    Attributes:
        title: of the progress bar.
        folder: of the results.
        setting, run: as of the report.
        suite: the metrics.
        pairs: drawn for the cross task; those of the folder's first run take their place.
        notes: what the report notes of this start beside its provenance.
        processes: that share the work.
        announce: takes lines for the user.
        distances: gives the scores of all clips together, of the metrics, the run and the folder of its features.
    """

    title: str
    folder: Path
    setting: EvaluationSetting | ScoreSetting
    run: Plan
    suite: Suite
    pairs: Sequence[ClipPair]
    notes: Mapping[str, Any]
    processes: Processes
    announce: Announce
    distances: Callable[[Suite, Run, Path], list[SetScore]] = set_scores


class Session:
    """Works through the clips of a run: alone in the results folder, resumable clip by clip; `session` opens it.

    Attributes:
        folder: of the results.
        features: where the run's features lie until its distances are known.
        pairs: of the cross task, names of source and driving clip.
        finished: the clips that were measured before.
    """

    def __init__(self, plan: SessionPlan, report: ReportFile, run_index: int) -> None:
        self._plan = plan
        self._report = report
        self._run_index = run_index
        self.folder = plan.folder
        self.features = plan.folder / "features" / f"run-{run_index}"
        self.pairs = list(report.content.pairs or []) if plan.pairs else []
        self.finished = self._run.finished()

    @property
    def _run(self) -> Run:
        return self._report.content.runs[self._run_index]

    def announce_lacking(self, *kinds: str) -> None:
        """Tell how many clips were finished without some kind of videos: 'videos' and the like."""
        clips = self._run.clips
        lacking = {
            "videos": sum(clip.driving_video is None for clip in clips),
            "flow videos": sum(not any(model.flow_video for model in clip.models) for clip in clips),
            "overlay videos": sum(not any(model.overlay_video for model in clip.models) for clip in clips),
        }
        for kind in kinds:
            if lacking[kind]:
                self._plan.announce(
                    f"{lacking[kind]} finished clips have no {kind}, and are not done again: "
                    "take another --name to have them"
                )

    def measure(self, work: Sequence[Work], do: Callable[[Work], ClipEntry]) -> EvaluationOutcome:
        """Do what the run lacks of `work`, then the metrics of sets; however it ends, report and tables hold it.

        Clips that cannot be read or compared are noted and left out.

        Args:
            work: all clips of the run.
            do: gives a clip's entry of the report.

        Raises:
            LiaBenchError: a model failed; finished clips stay.
        """
        report, processes = self._report, self._plan.processes
        try:
            own = self._work_through(work, do)
            left_out = dict.fromkeys(line for lines in processes.gather(own) for line in lines)
            if processes.first:
                self._take_in_others()
                measured = len(self._run.clips)
                if self._run.sets is None or self._run.sets.clips != measured:
                    scores = self._plan.distances(self._plan.suite, self._run, self.features)
                    self._run.sets = SetScores(clips=measured, scores=scores)
        finally:
            if processes.first:
                self._take_in_others()
                write_tables(self.folder, report.content)
                report.save()
        if processes.first and self._run.finished().issuperset(item.key for item in work):
            # Not before the distances are saved: a killed run measures them from these files.
            shutil.rmtree(self.features, ignore_errors=True)
        report.content = processes.agree(report.content)
        leaderboard = self.folder / LEADERBOARD
        return EvaluationOutcome(report, self._run_index, tuple(left_out), processes.first, leaderboard)

    def _take_in_others(self) -> None:
        """Add to the report what other processes have measured."""
        if self._plan.processes.count > 1:
            self._report.absorb_journals()

    def _work_through(self, work: Sequence[Work], do: Callable[[Work], ClipEntry]) -> list[str]:
        """Do this process's share; returns a line for each clip that was left out."""
        processes = self._plan.processes
        # Every n-th, so that long and short clips spread.
        left = [item for item in work if item.key not in self.finished]
        share = left[processes.rank :: processes.count]
        total = len(share) if processes.count > 1 else len(work)
        left_out: dict[str, None] = {}
        title = self._plan.title
        with progress(title=title, total=total, unit="clip", start=total - len(share), shown=processes.first) as bar:
            for item in share:
                task, source, clip = item.key
                bar.set_postfix_str(printable(f"{task} {clip}")[:40], refresh=False)
                try:
                    entry = do(item)
                except (UnreadableVideoError, MismatchedVideosError) as error:
                    left_out[str(error)] = None
                    failure = Failure(task=task, clip=clip, source=source, reason=str(error), date=utc_date())
                    self._report.add_failure(self._run_index, failure)
                else:
                    self._report.add_clip(self._run_index, entry)
                bar.update()
        return list(left_out)


@contextmanager
def session(plan: SessionPlan) -> Iterator[Session]:
    """Begin, or go on with what was begun.

    Raises:
        InputError: another process is at work in the folder, or it holds results of another setting.
    """
    processes = plan.processes
    processes.join()
    with alone_in_results(plan.folder) if processes.first else nullcontext():
        report, run_index = ReportFile(plan.folder, processes.rank), 0
        if processes.first:
            for folder, _, _ in os.walk(plan.folder / VIDEOS):
                remove_partial(Path(folder))
            unavailable, missing_weights = plan.suite.unavailable, plan.suite.missing_weights
            start = {**provenance(), **plan.notes}
            run_index = report.begin(plan.setting, plan.run, unavailable, missing_weights, start, plan.pairs)
            if plan.pairs:
                write_pairs(plan.folder / PAIRS, report.content.pairs or [])
        # The others have read no report: theirs is the first one's.
        begun = (report.content, run_index) if processes.first else None
        report.content, run_index = processes.agree(begun)
        yield Session(plan, report, run_index)


def run_plan(
    models: Sequence[PlannedModel], tasks: Mapping[str, str], tasks_with_truth: Sequence[str], suite: Suite
) -> Plan:
    """What makes a run, as the report has it.

    Args:
        models: in the order of every clip's results.
        tasks: task to the transfer mode that is wanted.
        tasks_with_truth: those in which each frame has a true one.
        suite: the metrics.
    """
    return Plan(
        models=list(models),
        tasks=dict(tasks),
        tasks_with_truth=list(tasks_with_truth),
        metrics={
            metric.column: MetricMeaning(
                definition=metric.specification.name,
                description=metric.description,
                of_sets=metric.specification.compares in (Compares.SETS, Compares.MEANS),
                averaging=metric.specification.averaging[suite.setting.protocol],
            )
            for metric in suite.metrics
        },
        device=suite.setting.device.type,
        version=VERSION,
    )


def alone_in_results(folder: Path) -> AbstractContextManager[None]:
    """Keep every other process out of a results folder; the operating system frees it when this one dies.

    Raises:
        InputError: another process is at work there, or it is no folder that can be written.
    """
    return alone_in_folder(
        folder,
        "another evaluation is writing into this folder; wait until it is over, or take another --name",
        "take another --name or --results",
    )
