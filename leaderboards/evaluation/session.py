"""Working through the clips of a run: resumable clip by clip, in one process or several, with its tables at the end."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from lia_bench.core.console import progress
from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.names import printable
from lia_bench.core.provenance import utc_date
from lia_bench.leaderboards.evaluation.processes import Processes
from lia_bench.leaderboards.evaluation.set_scores import features_folder, set_scores
from lia_bench.leaderboards.results.csv_writing import write_tables
from lia_bench.leaderboards.results.measurement import measurements
from lia_bench.leaderboards.results.report import Cell, ClipEntry, Failure, Report, Run, SetScores
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.metrics.registry import ordered
from lia_bench.metrics.suite import Suite


class MismatchedVideosError(LiaBenchError):
    """Two videos that are to be compared frame by frame have not the same frames."""


class Item(Protocol):
    """A piece of work: one clip for all models."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Task, source and clip: what tells it from the others."""
        ...


Work = TypeVar("Work", bound=Item)


def measure(
    title: str,
    work: Sequence[Work],
    do: Callable[[Work], ClipEntry],
    report: ReportFile,
    run_index: int,
    suite: Suite,
    processes: Processes,
) -> list[str]:
    """Do what a run lacks of `work`, then the metrics of sets; however it ends, report and tables hold what is done.

    Clips that cannot be read or compared are noted and left out.

    Args:
        title: of the progress bar.
        work: all clips of the run.
        do: gives a clip's entry of the report.
        report: has the run.
        run_index: its position.
        suite: the metrics.
        processes: those that share the work; the first writes report and tables.

    Returns:
        a line for each clip that was left out.

    Raises:
        LiaBenchError: a model failed; finished clips stay.
    """
    run = report.content.runs[run_index]
    features = features_folder(report.folder, run_index)
    try:
        own = _work_through(title, work, do, report, run_index, processes)
        left_out = list(dict.fromkeys(line for lines in processes.gather(own) for line in lines))
        if processes.first:
            report.absorb_journals()
            _measure_sets(suite, run, features)
    finally:
        if processes.first:
            report.absorb_journals()
            report.content.cells = [*_cells(report.content)]
            report.save()
            write_tables(report.folder, report.content)
    if processes.first and len(run.finished()) == len(work):
        # Not before the distances are saved: a killed run measures them from these files.
        shutil.rmtree(features, ignore_errors=True)
    report.content = processes.agree(report.content)
    return left_out


def _work_through(
    title: str,
    work: Sequence[Work],
    do: Callable[[Work], ClipEntry],
    report: ReportFile,
    run_index: int,
    processes: Processes,
) -> list[str]:
    done = report.content.runs[run_index].finished()
    left = processes.share([item for item in work if item.key not in done])
    total = len(left) if processes.count > 1 else len(work)
    left_out: dict[str, None] = {}
    with progress(title=title, total=total, unit="clip", start=total - len(left), shown=processes.first) as bar:
        for item in left:
            task, source, clip = item.key
            bar.set_postfix_str(printable(f"{task} {clip}")[:40], refresh=False)
            try:
                entry = do(item)
            except (UnreadableVideoError, MismatchedVideosError) as error:
                left_out[str(error)] = None
                failure = Failure(task=task, clip=clip, source=source, reason=str(error), date=utc_date())
                report.add_failure(run_index, failure)
            else:
                report.add_clip(run_index, entry)
            bar.update()
    return list(left_out)


def _measure_sets(suite: Suite, run: Run, features: Path) -> None:
    """Distances over all clips that are measured."""
    measured = len(run.clips)
    if run.sets is None or run.sets.clips != measured:
        run.sets = SetScores(clips=measured, scores=set_scores(suite, run, features))


def _cells(report: Report) -> Iterator[Cell]:
    """What stands behind each number of the leaderboard."""
    metrics = ordered(report.setting.metrics)
    return (measurement.cell(metric) for measurement in measurements(report) for metric in metrics)
