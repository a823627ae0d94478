"""What an evaluation consists of: its setting, its plan, and the list of animations to make."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from lia_bench.core.atomic import write_text
from lia_bench.core.clip_list import read_clip_list
from lia_bench.core.errors import InputError
from lia_bench.core.prepared_dataset import Clip, PreparedDataset
from lia_bench.core.provenance import VERSION
from lia_bench.core.suggestions import unknown
from lia_bench.core.video import open_video
from lia_bench.leaderboards.contestants import FLOOR, Contestant, common_size
from lia_bench.leaderboards.evaluation.clip import ClipTask
from lia_bench.leaderboards.evaluation.pairs import USUAL_COUNT
from lia_bench.leaderboards.evaluation.request import TASKS, EvaluationRequest
from lia_bench.leaderboards.results.report import ClipPair, EvaluationSetting, MetricMeaning, Plan, Run
from lia_bench.metrics.specification import Compares, Protocol
from lia_bench.metrics.suite import Suite

SPLIT = "test"


def only_dataset(data: Path) -> str:
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


def restrict(dataset: PreparedDataset, clip_list: Path, announce: Callable[[str], None]) -> PreparedDataset:
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


def meanings(suite: Suite) -> list[str]:
    """A line for each plain name that stands for one of several definitions: which one."""
    return [
        f"{metric.column}: {metric.specification.name}"
        for metric in suite.metrics
        if metric.column != metric.specification.name
    ]


def frame_size(contestants: Sequence[Contestant], clips: Sequence[Clip]) -> tuple[int, int]:
    """Height and width at which all frames are rendered and scored: the models', or else the first clip's."""
    side = common_size(contestants)
    if side is not None:
        return side, side
    with open_video(clips[0].path) as reader:
        return reader.properties.height, reader.properties.width


def check_transfer(request: EvaluationRequest, contestants: Sequence[Contestant]) -> None:
    """Raise InputError for a model that does not know the transfer that was asked for.

    The floor does the same in every mode.
    """
    if "cross" not in request.tasks or request.transfer is None:
        return
    for contestant in [other for other in contestants if other.model != FLOOR] or contestants:
        modes = contestant.animator.transfer_modes
        if request.transfer not in modes:
            raise InputError(f"{contestant.label}: {unknown('transfer mode', request.transfer, modes)}")


def count_pairs(request: EvaluationRequest, clips: Sequence[Clip]) -> int:
    """Animations of the cross task."""
    return request.pairs or min(len(clips), USUAL_COUNT)


def usual_name(request: EvaluationRequest, dataset: PreparedDataset, size: tuple[int, int]) -> str:
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
    if request.seed:
        parts.append(f"seed{request.seed}")
    if request.protocol is not Protocol.LITERATURE:
        parts.append(request.protocol)
    if request.subject is not None:
        parts.append(request.subject)
    return "-".join([*parts, *(request.metrics or ())])


def setting(
    request: EvaluationRequest,
    dataset: PreparedDataset,
    size: tuple[int, int],
    metrics: Sequence[str],
    subject: str,
    pair_count: int,
) -> EvaluationSetting:
    """What all rows of a table have in common."""
    return EvaluationSetting(
        dataset=dataset.name,
        listed_clips=len(dataset.clips) if request.clips is not None else None,
        dataset_hash=dataset.hash,
        split=SPLIT,
        height=size[0],
        width=size[1],
        limit=request.limit,
        pair_count=pair_count,
        seed=request.seed,
        protocol=str(request.protocol),
        subject=subject,
        metrics=list(metrics),
    )


def plan(request: EvaluationRequest, contestants: Sequence[Contestant], suite: Suite, device: torch.device) -> Plan:
    """What makes a run: the same plan goes on with it, another plan is a run of its own."""
    wanted = {"reconstruction": "absolute", "cross": request.wanted_transfer}
    tasks = {task: wanted[task] for task in TASKS if task in request.tasks}
    return Plan(
        models=[contestant.description(tasks) for contestant in contestants],
        tasks=tasks,
        tasks_with_truth=["reconstruction"],
        metrics=describe_metrics(suite),
        device=device.type,
        version=VERSION,
    )


def describe_metrics(suite: Suite) -> dict[str, MetricMeaning]:
    """For each metric that can be had, what tables say and do with it."""
    return {
        metric.column: MetricMeaning(
            definition=metric.specification.name,
            description=metric.description,
            of_sets=metric.specification.compares is Compares.SETS,
            averaging=metric.specification.averaging[suite.setting.protocol],
        )
        for metric in suite.metrics
    }


def write_pairs(path: Path, pairs: Sequence[ClipPair]) -> None:
    """Write pairs.csv: source and driving clip of each pair."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "driving"])
    writer.writerows((pair.source, pair.driving) for pair in pairs)
    write_text(path, text.getvalue())


def finished_without(run: Run, *kinds: str) -> list[str]:
    """A line for each kind of videos, of 'videos' and 'flow videos', that clips of a run were finished without."""
    lacking = {
        "videos": sum(clip.driving_video is None for clip in run.clips),
        "flow videos": sum(not any(model.flow_video for model in clip.models) for clip in run.clips),
    }
    return [
        f"{lacking[kind]} finished clips have no {kind}, and are not done again: take another --name to have them"
        for kind in kinds
        if lacking[kind]
    ]


def list_work(
    request: EvaluationRequest, clips: Sequence[Clip], everyone: Sequence[Clip], pairs: Sequence[ClipPair]
) -> list[ClipTask]:
    """Every animation to make, in order; `pairs` name clips of `everyone`."""
    by_name = {clip.name: clip for clip in everyone}
    reconstruction = clips if "reconstruction" in request.tasks else ()
    items = [("reconstruction", clip, clip, "absolute") for clip in reconstruction]
    items += [("cross", by_name[pair.source], by_name[pair.driving], request.wanted_transfer) for pair in pairs]
    return [ClipTask(number, *item) for number, item in enumerate(items)]
