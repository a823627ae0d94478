"""The clips of a plan cut out of their footage, each once, however often the run is interrupted."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from lia_bench.core.progress import progress
from lia_bench.preprocessing.crops import ClipFormat, Cut, CutJob, cut_clip
from lia_bench.preprocessing.ledger import Ledger, remove_partial_clips
from lia_bench.preprocessing.outcome import Outcome
from lia_bench.preprocessing.plan import Plan
from lia_bench.preprocessing.workers.engine import Died, Engine


def cut_clips(plan: Plan, output: Path, size: int, clip_format: ClipFormat, engine: Engine) -> list[Outcome]:
    """An outcome for every clip of a plan; those that an earlier run has finished, and are still whole, are kept."""
    ledger = Ledger(output)
    jobs = [CutJob(cut, output, size, clip_format) for cut in plan.cuts]
    outcomes = [*plan.decided, *_finished(jobs, ledger)]
    finished = {outcome.position for outcome in outcomes}
    left = [job for job in jobs if job.cut.position not in finished]
    if left:
        ledger.begin()
        outcomes += _cut(left, output, engine, finished=len(outcomes))
    good = {outcome.position for outcome in outcomes if outcome.status == "ok"}
    ledger.compact(job.path for job in jobs if job.cut.position in good)
    return outcomes


def _finished(jobs: list[CutJob], ledger: Ledger) -> Iterator[Outcome]:
    if ledger.is_empty:
        return
    # Every finished clip is read from end to end, which takes minutes for a large dataset.
    for job in progress(jobs, title="checking", unit="clip"):
        known = _known(job, ledger)
        if known is not None:
            yield known


def _known(job: CutJob, ledger: Ledger) -> Outcome | None:
    entry = ledger.find(job.path, job.made_from())
    if entry is None:
        return None
    cut = job.cut
    return Outcome(cut.position, cut.clip, cut.partition, cut.cells, "ok", entry.note, entry.frames, entry.sha256)


def _cut(jobs: list[CutJob], output: Path, engine: Engine, finished: int) -> Iterator[Outcome]:
    # Until the run is over there is no table, so that half a dataset is not taken for a whole one.
    for name in ("dataset.json", "clips.csv"):
        (output / name).unlink(missing_ok=True)
    jobs = sorted(jobs, key=lambda job: (job.cut.video, job.cut.start))
    groups = [list(group) for _, group in groupby(jobs, key=lambda job: job.cut.video)]
    try:
        with progress(title="cutting", total=finished + len(jobs), unit="clip", start=finished) as bar:
            for job, result in engine.run(_cutter, groups):
                yield _lost(job.cut, result) if isinstance(result, Died) else result
                bar.update()
    finally:
        remove_partial_clips(output)


def _cutter() -> Callable[[CutJob], Outcome]:
    return cut_clip


def _lost(cut: Cut, died: Died) -> Outcome:
    return cut.outcome("failed", died.reason)
