"""The videos of models that a results folder holds, and the same under names that tell nothing."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lia_bench.core.atomic import link_or_copy
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.inner_files import inner_file
from lia_bench.core.provenance import sha256_of_file
from lia_bench.core.suggestions import unknown
from lia_bench.core.video import open_indexed, write_video
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.results.columns import FLOOR
from lia_bench.leaderboards.results.measurement import Measurement, measurements
from lia_bench.leaderboards.results.report import Report
from lia_bench.leaderboards.results.report_file import REPORT, read_report
from lia_bench.leaderboards.study.document import Medium, StudyDataset, StudyModel

TILES = 4


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
    report = read_report(folder)
    of_task = [measurement for measurement in measurements(report) if measurement.task == task]
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
    return ResultVideos(_dataset(folder, report, task, chosen), animations)


def _chosen(folder: Path, of_task: Sequence[Measurement], labels: Sequence[str] | None) -> list[Measurement]:
    there = {measurement.label for measurement in of_task}
    wanted = labels if labels is not None else [row.label for row in of_task if row.model.model != FLOOR]
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
    by_clip = [{(clip.source, clip.clip): clip for clip in measurement.clips} for measurement in chosen]
    for key, clip in by_clip[0].items():
        if not all(key in clips for clips in by_clip):
            continue
        results = [clips[key].models[row.index] for clips, row in zip(by_clip, chosen, strict=True)]
        videos = [result.video for result in results if result.video is not None]
        if clip.driving_video and clip.source_picture and len(videos) == len(results):
            yield Animation(
                clip.clip,
                clip.source,
                _file(folder, clip.source_picture),
                _file(folder, clip.driving_video),
                tuple(_file(folder, video) for video in videos),
            )


def _file(folder: Path, name: str) -> Path:
    path = inner_file(folder, name)
    if not path.is_file():
        raise InputError(f"{path}: is gone, though {REPORT} names it; evaluate again, under another --name")
    return path


def _dataset(folder: Path, report: Report, task: str, chosen: Sequence[Measurement]) -> StudyDataset:
    models = tuple(
        StudyModel(
            label=row.label,
            transfer=row.own_transfer,
            model=row.model.model,
            variant=row.model.variant,
            checkpoint=row.model.checkpoint,
            checkpoint_sha256=row.model.checkpoint_sha256,
        )
        for row in chosen
    )
    return StudyDataset(
        results=str(folder),
        report_sha256=sha256_of_file(folder / REPORT),
        dataset=report.setting.dataset,
        split=report.setting.split,
        dataset_hash=report.setting.dataset_hash,
        task="cross" if task == "cross" else "reconstruction",
        models=models,
    )


def _listed(chosen: Sequence[Measurement]) -> str:
    return ", ".join(measurement.label for measurement in chosen) or "none"


def random_id() -> str:
    """24 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(12)


class MediaFolder:
    """A folder that is being filled; `entries` is what study.json says of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._linked: dict[Path, str] = {}
        self.entries: dict[str, Medium] = {}

    def place(self, file: Path) -> str:
        """A hard link of `file`, or a copy where links are not possible; once for all questions that show it."""
        known = self._linked.get(file)
        return known if known is not None else self._linked.setdefault(file, self.place_again(file))

    def place_again(self, file: Path) -> str:
        """`file` under another id than it may have already."""
        suffix = ".png" if file.suffix == ".png" else ".mp4"
        medium, path = self._new(suffix)
        link_or_copy(file.resolve(), path)
        return self._add(medium, path, suffix)

    def place_first_frame(self, video: Path) -> str:
        """The picture that a video begins with."""
        from PIL import Image

        medium, path = self._new(".png")
        with open_indexed(video) as frames:
            Image.fromarray(frames.frame(0)).save(path)
        return self._add(medium, path, ".png")

    def place_scrambled(self, video: Path, seed: int) -> str:
        """A video with the tiles of every frame shuffled, the same way in all of them."""
        medium, path = self._new(".mp4")
        with open_indexed(video) as frames:
            write_video(path, scrambled(frames, seed), frames.properties.fps)
        return self._add(medium, path, ".mp4")

    def _new(self, suffix: str) -> tuple[str, Path]:
        medium = random_id()
        return medium, self._folder / f"{medium}{suffix}"

    def _add(self, medium: str, path: Path, suffix: str) -> str:
        self.entries[medium] = Medium.model_validate({"suffix": suffix, "sha256": sha256_of_file(path)})
        return medium


def scrambled(frames: Iterable[Frame], seed: int) -> Iterable[Frame]:
    """`frames` with their 4x4 tiles exchanged, no tile where it was; what does not fill tiles stays black."""
    order = np.random.default_rng(seed).permutation(TILES * TILES)
    for frame in frames:
        height, width = frame.shape[0] // TILES, frame.shape[1] // TILES
        picture = np.zeros_like(frame)
        # Each tile takes the place of the next in a random circle, so that none can stay.
        for place, tile in zip(order, np.roll(order, 1), strict=True):
            picture[_tile(int(place), height, width)] = frame[_tile(int(tile), height, width)]
        yield picture


def _tile(number: int, height: int, width: int) -> tuple[slice, slice]:
    row, column = divmod(number, TILES)
    return slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width)
