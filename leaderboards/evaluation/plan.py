"""Every check of an evaluation, before anything is written: models, clips, pairs, metrics, and where results go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.prepared_dataset import Clip, PreparedDataset, open_dataset, read_clip_list, subject_of
from lia_bench.core.processes import Processes
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.evaluation.course import Course
from lia_bench.leaderboards.evaluation.pairs import (
    USUAL_COUNT,
    check_sizes,
    count_pairs,
    draw_pairs,
    first_size,
    open_sources,
    pairs_sha256,
    read_pairs,
)
from lia_bench.leaderboards.evaluation.request import SPLIT, TASKS, EvaluationRequest
from lia_bench.leaderboards.evaluation.session import Announce, SessionPlan, run_plan
from lia_bench.leaderboards.evaluation.streams import Contestant, Size, rounding_of
from lia_bench.leaderboards.results.columns import FLOOR
from lia_bench.leaderboards.results.report import ClipPair, EvaluationSetting, PlannedModel
from lia_bench.metrics.best_start import PosePoints
from lia_bench.metrics.specification import Protocol, ScoringSetting
from lia_bench.metrics.suite import open_suite
from lia_bench.models.animator import Animator
from lia_bench.models.lineup import Lineup, LineupModel, load_lineup
from lia_bench.models.reference import name_models
from lia_bench.models.specification import MODELS


@dataclass(frozen=True)
class EvaluationPlan:
    """An evaluation with all that decides its course: every check is made, and nothing is written yet.

    Attributes:
        request: what was asked for.
        contestants: the models, ready to animate.
        sources: which those of the cross task are drawn from.
        clips: those that are animated, or drive.
        course: how clips are gone through.
        session: what is measured, and where it goes.
    """

    request: EvaluationRequest
    contestants: Sequence[Contestant]
    sources: Sequence[Clip]
    clips: Sequence[Clip]
    course: Course
    session: SessionPlan


def plan(request: EvaluationRequest, announce: Announce, experiment: str = "") -> EvaluationPlan:
    """Check `request` and resolve it; `announce` takes lines for the user.

    Raises:
        UnknownNameError: no such model, variant, metric or transfer mode.
        InputError: no such dataset, no clip of a list is here, no run of a model, or fewer pairs
            of persons than asked for.
        CheckpointError: a checkpoint is missing or damaged.
        DeviceError: the device is not there.
    """
    request.check()
    processes = Processes()
    device = request.device or processes.usual_device()
    tell: Callable[[str], None] = announce if processes.first else lambda line: None
    named = name_models(request.models, tell, always=(FLOOR,))
    whole = open_dataset(request.dataset or _only_dataset(request.data), request.data)
    for line in whole.remarks:
        tell(line)
    dataset = _restrict(whole, request.clips, tell) if request.clips else whole
    everyone = dataset.partition(SPLIT)
    clips = everyone[: request.limit]
    given = open_sources(request.sources, request.data) if request.sources is not None else None
    sources = given.clips if given else everyone
    request = replace(request, tasks=request.tasks or _usual_tasks(request, clips, sources, tell))
    transfers = _wanted_transfers(request)
    pairs = _pairs(request, clips, sources) if "cross" in request.tasks else []
    by_name = {clip.name: clip for clip in sources}
    animated = [by_name[pair.source] for pair in pairs]
    if given:
        check_sizes(given, animated, clips)

    lineup = load_lineup(
        named, request.runs, device, tell, whole, precision=request.precision, compiled=request.compile
    )
    _announce_equal_weights(lineup, tell)
    _check_transfer(request, lineup)
    size = _compared_size(request, lineup, clips)
    _announce_resizing(lineup, size, tell)
    subject = request.subject or subject_of(dataset)
    suite = open_suite(request.metrics, subject, ScoringSetting(*size, lineup.device, request.protocol), tell)
    course = Course(
        max_frames=request.max_frames,
        skip_source_frame=request.skip_source_frame,
        references=request.references,
        best_of_references=request.best_of_references,
        set_side=request.set_side,
        seed=request.seed,
        points=PosePoints(subject) if request.start == "best" and "cross" in request.tasks else None,
        subject=subject,
    )
    if request.references:
        course.check_views([*(clips if "reconstruction" in request.tasks else ()), *animated])
    contestants = [_contestant(model, request, size) for model in lineup.models]
    models = [_planned(*pair, size) for pair in zip(lineup.models, contestants, strict=True)]
    _announce_one_source(request, contestants, tell)
    rounding = rounding_of(contestants, request, clips, tell) if request.precision != "32-true" else {}
    session_plan = SessionPlan(
        title="evaluate",
        folder=request.results / (request.name or _usual_name(request, dataset, size)),
        setting=EvaluationSetting(
            dataset=dataset.name,
            listed_clips=len(dataset.clips) if request.clips is not None else None,
            dataset_hash=dataset.hash,
            split=SPLIT,
            height=size[0],
            width=size[1],
            limit=request.limit,
            pair_count=len(pairs) or min(len(clips), USUAL_COUNT),
            seed=request.seed,
            protocol=str(request.protocol),
            subject=subject,
            metrics=list(suite.columns),
            given_pairs=pairs_sha256(pairs) if request.pairs_file is not None else "",
            max_frames=request.max_frames,
            skip_source_frame=request.skip_source_frame,
            set_side=request.set_side,
            experiment=experiment,
            source_set=given.identity if given else "",
            references=request.references,
            best_of_references=request.best_of_references,
            start=request.start,
            precision=request.precision,
            compiled=request.compile,
        ),
        run=run_plan(models, transfers, ["reconstruction"], suite),
        suite=suite,
        pairs=pairs,
        notes={"clip_list": str(request.clips) if request.clips else None, **rounding},
        processes=processes,
        announce=tell,
    )
    return EvaluationPlan(request, contestants, sources, clips, course, session_plan)


def _usual_tasks(
    request: EvaluationRequest, clips: Sequence[Clip], sources: Sequence[Clip], tell: Announce
) -> tuple[str, ...]:
    """Both, but where nobody asked for pairs and there are none, reconstruction alone, which `tell` is told."""
    if request.best_of_references:
        tell("reconstruction alone: the cross task has no true frames to choose the best by")
        return ("reconstruction",)
    if request.pairs is not None or request.pairs_file is not None or count_pairs(clips, sources):
        return TASKS
    tell("reconstruction alone: the cross task takes test clips of two persons, and there are none")
    return ("reconstruction",)


def _pairs(request: EvaluationRequest, clips: Sequence[Clip], sources: Sequence[Clip]) -> list[ClipPair]:
    """Those that a file names, or as many as were asked for, drawn."""
    if request.pairs_file is not None:
        return read_pairs(request.pairs_file, sources, clips)
    return draw_pairs(clips, sources, request.pairs or min(len(clips), USUAL_COUNT), request.seed)


def _announce_equal_weights(lineup: Lineup, tell: Announce) -> None:
    """Rows go by the hash of the weights: of several models with equal ones, the tables of a folder keep one."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for model in lineup.models:
        alike.setdefault((model.model, model.variant, model.checkpoint_sha256), []).append(model.label)
    for labels in alike.values():
        if len(labels) > 1:
            tell(f"{', '.join(labels)}: equal weights, so that tables keep {labels[-1]}; take a --name for each")


def _announce_one_source(request: EvaluationRequest, models: Sequence[Contestant], tell: Announce) -> None:
    """Which models take the source alone, where references were asked for."""
    alone = [model.label for model in models if request.references and not model.animator.takes_references]
    if alone and not request.best_of_references:
        tell(f"take no references, so the source alone: {', '.join(alone)}")


def _wanted_transfers(request: EvaluationRequest, model: str = "") -> dict[str, str]:
    """Task to the transfer mode that is wanted of every model that knows it, or of the one named."""
    asked = _cross_transfers(request)
    wanted = {
        "reconstruction": request.reconstruction_transfer or "absolute",
        "cross": asked.get(model, asked.get("", "relative")),
    }
    return {task: wanted[task] for task in TASKS if task in request.tasks}


def _cross_transfers(request: EvaluationRequest) -> dict[str, str]:
    """What is asked of the cross task: the transfer mode of single models by their names, and of all others by ''."""
    parts = (part.strip() for part in (request.transfer or "").split(","))
    named = (part.rpartition("=") for part in parts if part)
    return {model.strip(): mode.strip() for model, _, mode in named}


def _contestant(model: LineupModel, request: EvaluationRequest, size: Size) -> Contestant:
    """How a model runs where frames of `size` are compared."""
    wanted = _wanted_transfers(request, model.model)
    modes = {task: own_transfer(model.animator, task, mode) for task, mode in wanted.items()}
    return Contestant(model.label, model.animator, _size_of(model.frame_side, size), modes, model.device)


def own_transfer(animator: Animator, task: str, wanted: str) -> str:
    """The transfer mode that a model takes in a task where `wanted` is asked for.

    In reconstruction its own for that, unless another mode is wanted than absolute and it has it; else its usual one if
    it lacks what is wanted.
    """
    if task == "reconstruction" and (wanted == "absolute" or wanted not in animator.transfer_modes):
        wanted = animator.reconstruction_transfer
    return wanted if wanted in animator.transfer_modes else animator.transfer_modes[0]


def _size_of(side: int | None, compared: Size) -> Size:
    """Height and width of a model's frames of a side; of one that takes any, those of the frames compared."""
    return compared if side is None else (side, side)


def _planned(model: LineupModel, contestant: Contestant, size: Size) -> PlannedModel:
    """Everything but the network, for the report."""
    rendered = _size_of(model.output_side, size)
    return PlannedModel(
        label=model.label,
        model=model.model,
        variant=model.variant,
        checkpoint=str(model.checkpoint or ""),
        checkpoint_sha256=model.checkpoint_sha256,
        transfers=dict(contestant.transfers),
        rendered=None if rendered == size else rendered,
    )


def _only_dataset(data: Path) -> str:
    """The folder of the one prepared dataset in `data`.

    Raises:
        InputError: there is none, or more than one.
    """
    there = sorted(path.parent.name for path in data.glob("*/clips.csv"))
    if not there:
        raise InputError(f"no prepared dataset in {data}: make one (lia-bench preprocess sample), or name --dataset")
    if len(there) > 1:
        raise InputError(f"{len(there)} prepared datasets in {data}: name one with --dataset: {', '.join(there)}")
    return str(data / there[0])


def _restrict(dataset: PreparedDataset, clip_list: Path, announce: Announce) -> PreparedDataset:
    """The test clips of a dataset that a list names; how many of them are here goes to `announce`.

    Raises:
        InputError: no such list, or none of its test clips is here.
    """
    named = {key for key in read_clip_list(clip_list, SPLIT) if key.startswith(f"{SPLIT}/")}
    chosen = dataset.only(named)
    here = len(chosen.clips)
    if not here:
        raise InputError(f"{clip_list}: none of the {len(named)} {SPLIT} clips that it names is in {dataset.folder}")
    left_out = f"; left out: {len(named) - here}" if here < len(named) else ""
    announce(f"{clip_list}: {here} of the {len(named)} {SPLIT} clips that it names are in {dataset.name}{left_out}")
    return chosen


def _compared_size(request: EvaluationRequest, lineup: Lineup, clips: Sequence[Clip]) -> tuple[int, int]:
    """Height and width at which all frames are scored: as asked for, the smallest model's, or the first clip's."""
    sides = (model.output_side for model in lineup.models)
    side = request.size or min((side for side in sides if side is not None), default=None)
    if side is not None:
        return side, side
    if (found := first_size(clips)) is None:
        raise UnreadableVideoError(f"{clips[0].path}: cannot be read, nor can other clips; prepare the dataset again")
    return found


def _announce_resizing(lineup: Lineup, size: tuple[int, int], announce: Announce) -> None:
    height, width = size
    for model in lineup.models:
        rendered = _size_of(model.output_side, size)
        if rendered != size:
            announce(f"{model.label}: renders {rendered[1]}x{rendered[0]}, compared at {width}x{height}")


def _check_transfer(request: EvaluationRequest, lineup: Lineup) -> None:
    """Raise InputError for a model that does not know the transfer that was asked for.

    The floor does the same in every mode.
    """
    wanted = request.reconstruction_transfer
    modes = {mode for model in lineup.models for mode in model.animator.transfer_modes}
    modes |= {mode for specification in MODELS.values() for mode in specification.transfer_modes}
    if wanted is not None and wanted not in modes:
        raise InputError(f"--reconstruction-transfer: {unknown('transfer mode', wanted, modes)}")
    asked = _cross_transfers(request) if "cross" in request.tasks else {}
    for name in asked:
        if name and name not in (model.model for model in lineup.models):
            raise InputError(f"--transfer: {unknown('model', name, [model.model for model in lineup.models])}")
    for model in [other for other in lineup.models if other.model != FLOOR] or lineup.models:
        wanted = asked.get(model.model, asked.get(""))
        if wanted is not None and wanted not in model.animator.transfer_modes:
            raise InputError(f"{model.label}: {unknown('transfer mode', wanted, model.animator.transfer_modes)}")


def _arranged(request: EvaluationRequest) -> list[str]:
    """What of the arrangement is not the usual one, as parts of a folder's name."""
    from_pairs = sha256_of_file(request.pairs_file)[:8] if request.pairs_file is not None else ""
    return [
        *([f"from-{Path(request.sources).name}"] if request.sources is not None else []),
        *([f"pairs-{from_pairs}"] if from_pairs else []),
        *([f"references{request.references}"] if request.references else []),
        *(["best"] if request.best_of_references else []),
        *([f"frames{request.max_frames}"] if request.max_frames is not None else []),
        *(["without-source-frame"] if request.skip_source_frame else []),
        *(["best-start"] if request.start == "best" else []),
        *(["source-sets"] if request.set_side == "source" else []),
        *([request.precision] if request.precision != "32-true" else []),
        *(["compiled"] if request.compile else []),
    ]


def _usual_name(request: EvaluationRequest, dataset: PreparedDataset, size: tuple[int, int]) -> str:
    """The dataset, the size, and every part of the setting that is not the usual one, so that none meets another."""
    height, width = size
    parts = [dataset.name]
    shape = str(width) if width == height else f"{width}x{height}"
    if not dataset.name.endswith(f"-{shape}"):
        parts.append(shape)
    if request.clips is not None:
        parts.append(f"clips-{dataset.hash[:8]}")
    if request.limit is not None:
        parts.append(f"first{request.limit}")
    if request.pairs is not None:
        parts.append(f"pairs{request.pairs}")
    parts += _arranged(request)
    if request.seed:
        parts.append(f"seed{request.seed}")
    if request.protocol is not Protocol.LITERATURE:
        parts.append(request.protocol)
    if request.subject is not None:
        parts.append(request.subject)
    return "-".join([*parts, *(request.metrics or ())])
