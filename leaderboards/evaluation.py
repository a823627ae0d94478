"""Runs models over a test set: reconstruction and cross-person animation, resumable clip by clip."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from lia_bench.core.errors import LiaBenchError, UnreadableVideoError
from lia_bench.core.prepared_dataset import open_dataset
from lia_bench.core.progress import progress
from lia_bench.core.provenance import provenance, utc_date
from lia_bench.leaderboards import planning
from lia_bench.leaderboards.cells import describe_cells
from lia_bench.leaderboards.clip_evaluation import ClipTask, Judges, evaluate_clip
from lia_bench.leaderboards.contestants import Contestant, find_checkpoint, load_contestants, read_references
from lia_bench.leaderboards.pairs import draw_pairs
from lia_bench.leaderboards.report import Report, finished
from lia_bench.leaderboards.request import EvaluationOutcome, EvaluationRequest
from lia_bench.leaderboards.scorers import open_scorers
from lia_bench.leaderboards.tables import ordered, write_tables
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.scorer import ScoringSetting
from lia_bench.models.loading import pick_device


def evaluate(request: EvaluationRequest, announce: Callable[[str], None] = lambda line: None) -> EvaluationOutcome:
    """Evaluate, or go on with an evaluation that was killed.

    Clips that cannot be read are noted and left out; anything else that fails stops the evaluation, and finished
    clips stay.

    Args:
        request: what to evaluate.
        announce: takes lines for the user: which checkpoint was taken for a model, how many clips of a list are here.

    Raises:
        LiaBenchError: of the kind that names the cause: no such model, dataset, checkpoint, metric, ...
    """
    request.check()
    references = read_references(request.models)
    metrics = ordered(request.metrics if request.metrics is not None else list(METRICS))
    device = pick_device(request.device)
    whole = open_dataset(request.dataset or planning.only_dataset(request.data), request.data)
    dataset = planning.restrict(whole, request.clips, announce) if request.clips else whole
    everyone = dataset.partition(planning.SPLIT)
    clips = everyone[: request.limit]

    checkpoints = [find_checkpoint(reference, whole, request.runs) for reference in references]
    contestants = load_contestants(references, checkpoints, str(device))
    for contestant in contestants:
        if contestant.checkpoint:
            announce(f"{contestant.label}: {contestant.checkpoint}")
    planning.check_transfer(request, contestants)
    size = planning.frame_size(contestants, clips)
    scorers = open_scorers(metrics, ScoringSetting(planning.recipe(dataset), *size, device))

    report = Report(request.results / (request.name or planning.usual_name(request, dataset, size)))
    pair_count = planning.count_pairs(request, clips)
    drawn = draw_pairs(clips, everyone, pair_count, request.seed) if "cross" in request.tasks else []
    run = report.begin(
        planning.setting(request, dataset, size, metrics, pair_count),
        planning.plan(request, contestants, scorers, device),
        scorers.unavailable,
        provenance() | {"clip_list": str(request.clips) if request.clips else None},
    )
    if drawn:
        drawn = report.keep_pairs(drawn)
        planning.write_pairs(report.folder / "pairs.csv", drawn)
    work = planning.list_work(request, clips, everyone, drawn)
    judges = Judges(size, request.batch_size, scorers.scorers, device)
    videos = report.folder / "videos" if request.videos else None
    try:
        failures = _work_through(work, contestants, judges, report, run, videos)
    finally:
        report.content["cells"] = describe_cells(report.content)
        report.save()
        leaderboard, per_clip = write_tables(report)
    made = (videos / task.video for task in work if videos and (videos / task.video).is_file())
    return EvaluationOutcome(report, run, leaderboard, per_clip, next(made, None), tuple(failures))


def _work_through(
    work: Sequence[ClipTask],
    contestants: Sequence[Contestant],
    judges: Judges,
    report: Report,
    run: dict[str, Any],
    videos: Path | None,
) -> list[str]:
    """Do what is left of `work`; returns a line for each clip that could not be read."""
    done = finished(run)
    left = [task for task in work if task.key not in done]
    if left:
        _warm_up(contestants, judges)
    failures: dict[str, None] = {}
    with progress(title="evaluate", total=len(work), unit="clip", start=len(work) - len(left)) as bar:
        for task in left:
            bar.set_postfix_str(f"{task.task} {task.driving.name}"[:40], refresh=False)
            try:
                entry = evaluate_clip(task, contestants, judges, videos / task.video if videos else None)
            except UnreadableVideoError as error:
                failures[str(error)] = None
                failure = {"task": task.task, "clip": task.driving.name, "source": task.source.name}
                report.add(run, "failures", failure | {"reason": str(error), "date": utc_date()})
            else:
                report.add(run, "clips", entry | {"date": utc_date()})
            bar.update()
    return list(failures)


def _warm_up(contestants: Sequence[Contestant], judges: Judges) -> None:
    """Let every model render once, so that what libraries set up in the first call does not count as its speed."""
    frame = torch.rand(3, *judges.size, generator=torch.Generator().manual_seed(0))
    for contestant in contestants:
        try:
            contestant.animator.animate(frame, frame[None])
        except LiaBenchError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(f"{contestant.label} cannot animate: {type(error).__name__}: {reason}") from error
