"""An experiment at work: evaluates what can be evaluated, and says of every empty cell what it lacks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.prepared_dataset import PreparedDataset
from lia_bench.leaderboards.evaluation.evaluate import evaluate
from lia_bench.leaderboards.evaluation.pairs import count_pairs, open_sources
from lia_bench.leaderboards.evaluation.request import SPLIT, EvaluationRequest
from lia_bench.leaderboards.experiments.registry import Experiment, Row
from lia_bench.leaderboards.experiments.requirements import Evaluation, checkpoint_for, evaluations, open_evaluated
from lia_bench.leaderboards.experiments.table import ExperimentTable, side_by_side
from lia_bench.leaderboards.results.report_file import REPORT, read_report
from lia_bench.metrics.specification import Protocol
from lia_bench.models.reference import ModelReference
from lia_bench.models.specification import MODELS

Announce = Callable[[str], None]


@dataclass(frozen=True)
class ExperimentRequest:
    """How an experiment is run.

    Attributes:
        models: references `name[:variant][@checkpoint]` of those to evaluate; a name alone means the checkpoints of its
            rows, as far as they are here. None is every row's.
        name: what results folders begin with; None is the experiment's name.
        data, runs, results: folders of prepared datasets, training runs, and results.
        device, batch_size, videos: as of `evaluate`.
    """

    models: tuple[str, ...] | None = None
    name: str | None = None
    data: Path = Path("data")
    runs: Path = Path("runs")
    results: Path = Path("results")
    device: str | None = None
    batch_size: int = 8
    videos: bool = True


@dataclass(frozen=True)
class ExperimentOutcome:
    """What an experiment left.

    Attributes:
        experiment: that was run.
        tables: one an evaluation.
        failures: one line for each clip that could not be read.
    """

    experiment: Experiment
    tables: tuple[ExperimentTable, ...]
    failures: tuple[str, ...]


def run_experiment(
    experiment: Experiment, request: ExperimentRequest, announce: Announce = lambda line: None
) -> ExperimentOutcome:
    """Run an experiment, or go on with it; what is finished is not done again.

    Args:
        announce: takes lines for the user.

    Raises:
        UnknownNameError: a model that there is not.
        InputError: results were measured for the experiment when its file said something else.
        LiaBenchError: a model failed; finished clips stay.
    """
    asked = [ModelReference.parse(text) for text in request.models or ()]
    for reference in asked:
        MODELS[reference.name]
    all_of_them = evaluations(experiment)
    for evaluation in all_of_them:
        _check_unchanged(experiment, _folder(experiment, evaluation, request))
    tables: list[ExperimentTable] = []
    failures: list[str] = []
    for evaluation in all_of_them:
        announce(f"{experiment.label}: {evaluation.title}")
        table, left_out = _run(experiment, evaluation, asked, request, announce)
        tables.append(table)
        failures += left_out
    return ExperimentOutcome(experiment, tuple(tables), tuple(failures))


def _run(
    experiment: Experiment,
    evaluation: Evaluation,
    asked: Sequence[ModelReference],
    request: ExperimentRequest,
    announce: Announce,
) -> tuple[ExperimentTable, Sequence[str]]:
    """One evaluation, or the reason why there is none, beside what is published."""
    folder = _folder(experiment, evaluation, request)
    chosen, missing = _chosen(experiment, evaluation, asked, request.runs)
    try:
        dataset = open_evaluated(evaluation.dataset, request.data)
        options = _options(experiment, evaluation, dataset, request.data, announce)
    except InputError as error:
        return side_by_side(evaluation, None, {}, missing, str(error)), ()
    if not chosen:
        return side_by_side(evaluation, None, {}, missing, "no model to evaluate"), ()
    wanted = EvaluationRequest(
        models=tuple(chosen),
        dataset=str(dataset.folder),
        tasks=(evaluation.part.task,),
        metrics=evaluation.part.metrics,
        name=folder.name,
        device=request.device,
        batch_size=request.batch_size,
        videos=request.videos,
        data=request.data,
        runs=request.runs,
        results=request.results,
        **options,
    )
    try:
        outcome = evaluate(wanted, announce, experiment.label)
    except InputError as error:
        # Too few frames for so many views, no pair of two persons: what the other evaluations may well have.
        return side_by_side(evaluation, None, {}, missing, str(error)), ()
    report = outcome.report.content
    checkpoints = {
        model.checkpoint: row for model, row in zip(outcome.run.plan.models, chosen.values(), strict=False) if row
    }
    return side_by_side(evaluation, report, checkpoints, missing, ""), outcome.failures


def _options(
    experiment: Experiment, evaluation: Evaluation, dataset: PreparedDataset, data: Path, announce: Announce
) -> Mapping[str, Any]:
    """What the part says, as `evaluate` takes it.

    Raises:
        InputError: the sources are not here.
    """
    part = evaluation.part
    options: dict[str, Any] = {
        "protocol": Protocol(part.protocol),
        "seed": part.pairs.seed,
        "references": part.references,
        "best_of_references": part.best_of_references,
        "max_frames": part.max_frames,
        "skip_source_frame": part.source_frame == "skipped",
        "start": part.start,
        "transfer": part.transfer,
        "set_side": part.set_side,
    }
    if part.task == "reconstruction":
        return options | {"reconstruction_transfer": part.reconstruction_transfer}
    clips = dataset.partition(SPLIT)
    sources = clips
    if part.sources is not None:
        folder = open_evaluated(part.sources, data).folder if not Path(part.sources).is_dir() else Path(part.sources)
        options["sources"] = str(folder)
        sources = list(open_sources(str(folder), data).clips)
    if part.pairs.file is not None:
        return options | {"pairs_file": experiment.path.parent / part.pairs.file}
    there = count_pairs(clips, sources)
    if part.pairs.count is not None and part.pairs.count > there:
        announce(f"{evaluation.title}: {there} pairs of different persons, and not {part.pairs.count}, are here")
    # Where there is none, the evaluation says so.
    return options | {"pairs": min(part.pairs.count, there) or None if part.pairs.count is not None else None}


def _chosen(
    experiment: Experiment, evaluation: Evaluation, asked: Sequence[ModelReference], runs: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """References to evaluate, each with the name of its row or '', and of other rows why they stay empty.

    Those of rows come first, each of one checkpoint; behind them some may be of all the runs of a sweep.
    """
    rows = experiment.content.rows or evaluation.rows
    bare = [reference.name for reference in asked if reference.variant is None and reference.checkpoint is None]
    chosen: dict[str, str] = {}
    missing: dict[str, str] = {}
    for row in evaluation.rows:
        name = ModelReference.parse(row.model).name if row.model else ""
        if row.lacking:
            missing[row.name] = row.lacking
        elif asked and name not in bare:
            missing[row.name] = f"{name} was not asked for"
        else:
            try:
                found = checkpoint_for(row, rows, evaluation.part.trained_on or evaluation.dataset, runs)
                chosen[found] = row.name
            except LiaBenchError as error:
                missing[row.name] = str(error)
    for one in asked:
        if one.name not in bare:
            chosen.setdefault(str(one), "")
    in_rows = {ModelReference.parse(row.model).name for row in evaluation.rows if row.model}
    for name in bare:
        if name not in in_rows:
            row = Row(name=name, model=name)
            try:
                chosen[checkpoint_for(row, [row], evaluation.part.trained_on or evaluation.dataset, runs)] = ""
            except LiaBenchError as error:
                missing[name] = str(error)
    return chosen, missing


def _folder(experiment: Experiment, evaluation: Evaluation, request: ExperimentRequest) -> Path:
    part = evaluation.part
    name = f"{request.name or experiment.name}-{evaluation.number}-{evaluation.dataset}-{part.task}"
    return request.results / name.replace("/", "_")


def _check_unchanged(experiment: Experiment, folder: Path) -> None:
    """Raise InputError where the folder's results are of the experiment as it was before, or of something else."""
    if not (folder / REPORT).is_file():
        return
    report = read_report(folder)
    before = report.setting.experiment
    if before != experiment.label and any(run.clips for run in report.runs):
        raise InputError(
            f"{folder}: measured for {before or 'no experiment'}, and {experiment.path.name} says something else now "
            f"({experiment.label}): take another --name, or remove that folder"
        )
