"""Working through the clips of a run: resumable clip by clip, in one process or several, with its tables at the end."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.progress import progress
from lia_bench.core.provenance import utc_date
from lia_bench.leaderboards.evaluation.processes import Processes
from lia_bench.leaderboards.evaluation.set_scores import features_folder, set_scores
from lia_bench.leaderboards.results.csv_writing import write_tables
from lia_bench.leaderboards.results.measurement import describe_cells
from lia_bench.leaderboards.results.report import Report, finished
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
    do: Callable[[Work], dict[str, Any]],
    report: Report,
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
    run = report.content["runs"][run_index]
    features = features_folder(report.folder, run_index)
    try:
        own = _work_through(title, work, do, report, run, processes)
        left_out = list(dict.fromkeys(line for lines in processes.gather(own) for line in lines))
        if processes.first:
            report.absorb_journals()
            _measure_sets(suite, run, features)
    finally:
        if processes.first:
            report.absorb_journals()
            report.content["cells"] = describe_cells(report.content)
            report.save()
            write_tables(report)
    if processes.first and len(finished(run)) == len(work):
        # Not before the distances are saved: a killed run measures them from these files.
        shutil.rmtree(features, ignore_errors=True)
    report.content = processes.agree(report.content)
    return left_out


def _work_through(
    title: str,
    work: Sequence[Work],
    do: Callable[[Work], dict[str, Any]],
    report: Report,
    run: dict[str, Any],
    processes: Processes,
) -> list[str]:
    done = finished(run)
    left = processes.share([item for item in work if item.key not in done])
    total = len(left) if processes.count > 1 else len(work)
    left_out: dict[str, None] = {}
    with progress(title=title, total=total, unit="clip", start=total - len(left), shown=processes.first) as bar:
        for item in left:
            task, source, clip = item.key
            bar.set_postfix_str(f"{task} {clip}"[:40], refresh=False)
            try:
                entry = do(item)
            except (UnreadableVideoError, MismatchedVideosError) as error:
                left_out[str(error)] = None
                failure = {"task": task, "clip": clip, "source": source, "reason": str(error)}
                report.add(run, "failures", failure | {"date": utc_date()})
            else:
                report.add(run, "clips", entry | {"date": utc_date()})
            bar.update()
    return list(left_out)


def _measure_sets(suite: Suite, run: dict[str, Any], features: Path) -> None:
    """Distances over all clips that are measured."""
    measured = len(run["clips"])
    if run.get("sets", {}).get("clips") == measured:
        return
    run["sets"] = {"clips": measured, "scores": set_scores(suite, run, features)}
