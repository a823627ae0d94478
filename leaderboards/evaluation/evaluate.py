"""Runs models over a test set: reconstruction and cross-person animation, resumable clip by clip."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.prepared_dataset import open_dataset, subject_of
from lia_bench.core.provenance import provenance
from lia_bench.leaderboards.contestants import (
    Contestant,
    find_checkpoint,
    load_contestants,
    read_references,
    with_runs_of_sweeps,
)
from lia_bench.leaderboards.evaluation import planning
from lia_bench.leaderboards.evaluation.clip import Filming, Judges, evaluate_clip
from lia_bench.leaderboards.evaluation.filming import strip_of
from lia_bench.leaderboards.evaluation.films import remove_unfinished
from lia_bench.leaderboards.evaluation.locking import alone_in_results
from lia_bench.leaderboards.evaluation.pairs import draw_pairs
from lia_bench.leaderboards.evaluation.processes import join_processes
from lia_bench.leaderboards.evaluation.request import EvaluationOutcome, EvaluationRequest
from lia_bench.leaderboards.evaluation.session import measure
from lia_bench.leaderboards.evaluation.set_scores import features_folder, generated_features
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.metrics.registry import ordered, usual_names
from lia_bench.metrics.specification import ScoringSetting
from lia_bench.metrics.suite import open_suite
from lia_bench.models.blocks.flow_recording import recorded_flows
from lia_bench.models.loading import pick_device


def evaluate(request: EvaluationRequest, announce: Callable[[str], None] = lambda line: None) -> EvaluationOutcome:
    """Evaluate, or go on with an evaluation that was killed; under torchrun, in several processes.

    Clips that cannot be read are noted and left out; anything else that fails stops the evaluation, and finished
    clips stay.

    Args:
        request: what to evaluate.
        announce: takes lines for the user: which checkpoint was taken for a model, how many clips of a list are here.

    Raises:
        LiaBenchError: of the kind that names the cause: no such model, dataset, checkpoint, metric, ...
    """
    request.check()
    processes = join_processes()
    tell = announce if processes.first else lambda line: None
    references = read_references(with_runs_of_sweeps(request.models, tell))
    metrics = ordered(request.metrics if request.metrics is not None else usual_names())
    device = pick_device(request.device or processes.usual_device())
    whole = open_dataset(request.dataset or planning.only_dataset(request.data), request.data)
    dataset = planning.restrict(whole, request.clips, tell) if request.clips else whole
    everyone = dataset.partition(planning.SPLIT)
    clips = everyone[: request.limit]

    checkpoints = [find_checkpoint(reference, whole, request.runs) for reference in references]
    contestants = load_contestants(references, checkpoints, str(device))
    for contestant in contestants:
        if contestant.checkpoint:
            tell(f"{contestant.label}: {contestant.checkpoint}")
    planning.check_transfer(request, contestants)
    size = planning.frame_size(contestants, clips)
    subject = request.subject or subject_of(dataset)
    suite = open_suite(metrics, subject, ScoringSetting(*size, device, request.protocol))
    for line in planning.meanings(suite):
        tell(line)

    folder = request.results / (request.name or planning.usual_name(request, dataset, size))
    with alone_in_results(folder) if processes.first else nullcontext():
        report = ReportFile(folder, processes.rank)
        if processes.first:
            remove_unfinished(folder)
        pair_count = planning.count_pairs(request, clips)
        drawn = draw_pairs(clips, everyone, pair_count, request.seed) if "cross" in request.tasks else []
        run_index = 0
        if processes.first:
            run_index = report.begin(
                planning.setting(request, dataset, size, metrics, subject, pair_count),
                planning.plan(request, contestants, suite, device),
                suite.unavailable,
                suite.missing_weights,
                provenance() | {"clip_list": str(request.clips) if request.clips else None},
            )
            if drawn:
                planning.write_pairs(report.folder / "pairs.csv", report.keep_pairs(drawn))
        report.content, run_index = processes.agree((report.content, run_index))
        pairs = (report.content.pairs or []) if drawn else []
        work = planning.list_work(request, clips, everyone, pairs)
        features = features_folder(report.folder, run_index)
        judges = Judges(
            suite, request.batch_size, lambda number, model, by: generated_features(features, number, model, by)
        )
        filming = Filming(report.folder, request.flow_videos) if request.videos else None
        run = report.content.runs[run_index]
        done = run.finished()
        work_left = any(task.key not in done for task in work)
        without_flow = _warm_up(contestants, judges) if work_left or request.flow_videos else []
        if request.flow_videos and without_flow:
            tell(f"without a dense flow, so without a flow video: {', '.join(without_flow)}")
        with_flows = request.flow_videos and len(without_flow) < len(contestants)
        kinds = [*(["videos"] if request.videos else []), *(["flow videos"] if with_flows else [])]
        for line in planning.finished_without(run, *kinds):
            tell(line)
        failures = measure(
            "evaluate",
            work,
            lambda task: evaluate_clip(task, contestants, judges, filming),
            report,
            run_index,
            suite,
            processes,
        )
        strips = (strip_of(report.folder, task.place) for task in work if filming)
        shown = next((strip for strip in strips if strip.is_file()), None)
        return EvaluationOutcome(report, run_index, shown, tuple(failures), processes.first)


def _warm_up(contestants: Sequence[Contestant], judges: Judges) -> list[str]:
    """Let every model render once, so that what libraries set up in the first call does not count as its speed.

    Returns:
        labels of the models that have no dense flow.
    """
    frame = torch.rand(3, *judges.size, generator=torch.Generator().manual_seed(0))
    without_flow = []
    for contestant in contestants:
        try:
            with recorded_flows() as flows:
                contestant.animator.animate(frame, frame[None])
        except (LiaBenchError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(f"{contestant.label} cannot animate: {type(error).__name__}: {reason}") from error
        if not flows:
            without_flow.append(contestant.label)
    return without_flow
