"""The videos of models that a results folder holds, told by its report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.hashing import sha256_of_file
from lia_bench.core.suggestions import unknown
from lia_bench.leaderboards.results.csv_writing import Measurement, measurements
from lia_bench.leaderboards.results.report import REPORT, Report
from lia_bench.leaderboards.study.document import StudyDataset, StudyModel

FLOOR = "identity"
"""`evaluate` adds it to everything; people are not asked about a still picture unless somebody names it."""


@dataclass(frozen=True)
class Animation:
    """One picture moved by one driving video, by every model of the study.

    Attributes:
        clip: the driving clip.
        source_clip: the clip of the source picture.
        source_picture, driving_video: files.
        videos: each model's file, in the order of the dataset's models.
    """

    clip: str
    source_clip: str
    source_picture: Path
    driving_video: Path
    videos: tuple[Path, ...]


@dataclass(frozen=True)
class ResultVideos:
    """What a study can show of a results folder."""

    dataset: StudyDataset
    animations: tuple[Animation, ...]


def videos_of(folder: Path, task: str, labels: Sequence[str] | None) -> ResultVideos:
    """All animations of a task for which every model has a video.

    Args:
        folder: `results/<name>`.
        task: 'reconstruction' or 'cross'.
        labels: models as the table calls them; None is all but `identity`.

    Raises:
        InputError: no report, no such task, a model measured twice, no videos, or a video that is gone.
        UnknownNameError: a model that the table does not have.
    """
    if not (folder / REPORT).is_file():
        raise InputError(f"{folder}: holds no {REPORT}; `lia-bench evaluate` writes it")
    content = Report(folder).content
    of_task = [measurement for measurement in measurements(content) if measurement.task == task]
    if not of_task:
        raise InputError(f"{folder}: has no results of the task {task}; take another --task, or evaluate it")
    chosen = _chosen(folder, of_task, labels)
    if len(chosen) < 2:
        raise InputError(f"{folder}: a preference needs two models, and there is {_listed(chosen)}")
    animations = tuple(_animations(folder, chosen))
    if not animations:
        raise InputError(
            f"{folder}: no videos of each model there ({_listed(chosen)}, {task}): evaluate again with --videos, "
            "under another --name"
        )
    return ResultVideos(_dataset(folder, content, task, chosen), animations)


def _chosen(folder: Path, of_task: Sequence[Measurement], labels: Sequence[str] | None) -> list[Measurement]:
    there = {measurement.label for measurement in of_task}
    wanted = labels if labels is not None else [row.label for row in of_task if row.model["model"] != FLOOR]
    chosen = []
    for label in dict.fromkeys(wanted):
        if label not in there:
            raise UnknownNameError(f"{folder}: {unknown('model', label, there)}")
        found = [measurement for measurement in of_task if measurement.label == label]
        if len(found) > 1:
            modes = ", ".join(measurement.transfer for measurement in found)
            raise InputError(f"{folder}: {label} was evaluated with several transfer modes ({modes}): keep them apart")
        chosen += found
    return chosen


def _animations(folder: Path, chosen: Sequence[Measurement]) -> Iterator[Animation]:
    by_clip = [{(clip["source"], clip["clip"]): clip for clip in measurement.clips} for measurement in chosen]
    for key, clip in by_clip[0].items():
        if not all(key in clips for clips in by_clip):
            continue
        results = [clips[key]["models"][row.index] for clips, row in zip(by_clip, chosen, strict=True)]
        if "driving_video" in clip and all("video" in result for result in results):
            source, driving = key
            yield Animation(
                driving,
                source,
                _file(folder, clip["source_picture"]),
                _file(folder, clip["driving_video"]),
                tuple(_file(folder, result["video"]) for result in results),
            )


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder / REPORT}: names a video outside of the folder, {name}; evaluate again")
    if not path.is_file():
        raise InputError(f"{path}: is gone, though {REPORT} names it; evaluate again, under another --name")
    return path


def _dataset(folder: Path, content: Mapping[str, Any], task: str, chosen: Sequence[Measurement]) -> StudyDataset:
    setting = content["setting"]
    models = tuple(
        StudyModel(
            label=row.label,
            transfer=row.own_transfer,
            **{key: row.model[key] for key in ("model", "variant", "checkpoint", "checkpoint_sha256")},
        )
        for row in chosen
    )
    return StudyDataset(
        results=str(folder),
        report_sha256=sha256_of_file(folder / REPORT),
        dataset=setting["dataset"],
        split=setting["split"],
        dataset_hash=setting["dataset_hash"],
        task="cross" if task == "cross" else "reconstruction",
        models=models,
    )


def _listed(chosen: Sequence[Measurement]) -> str:
    return ", ".join(measurement.label for measurement in chosen) or "none"
