"""A results folder as `evaluate` leaves one, with small videos, made without any model."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video import write_video
from lia_bench.leaderboards.results.csv_writing import write_tables
from lia_bench.leaderboards.results.report import SCHEMA, Report
from lia_bench.leaderboards.results.report_file import ReportFile
from lia_bench.metrics.registry import METRICS

Frame = NDArray[np.uint8]

TYPICAL = {"l1": 0.05, "lpips": 0.12, "psnr": 24.0, "ssim": 0.8, "akd": 1.2, "aed": 0.15}
"""Metrics of the toy, and a value that looks real."""
MODELS = ("lia", "fomm", "identity")


@dataclass(frozen=True)
class ToyResults:
    """What to write.

    Attributes:
        clips: how many clips each task has.
        models: labels; each is a model of its own.
        tasks: of 'reconstruction' and 'cross'; cross has no truth, so only AED there.
        frames, side, fps: of every video; the side in pixels, even.
        metrics: columns, of TYPICAL.
        videos: whether there are videos; reports of earlier versions have none.
        flow_videos: whether the first model has a flow, in the place of which its video is shown again.
        different_videos: so many clips are encoded, all others are hard links of them; None is every clip.
        dataset: name of the dataset.
    """

    clips: int = 3
    models: Sequence[str] = MODELS
    tasks: Sequence[str] = ("reconstruction", "cross")
    frames: int = 10
    side: int = 32
    fps: float = 25.0
    metrics: Sequence[str] = ("l1", "lpips", "psnr", "aed")
    videos: bool = True
    flow_videos: bool = False
    different_videos: int | None = None
    dataset: str = "toy"


def write_results(folder: Path, toy: ToyResults = ToyResults()) -> Path:
    """Write report.json, leaderboard.csv, per_clip.csv and the videos of `toy` to `folder`; returns the folder."""
    content = toy_content(toy)
    save_report(folder, content)
    if toy.videos:
        _write_videos(folder, toy, content["runs"][0]["clips"])
    return folder


def save_report(folder: Path, content: dict[str, Any]) -> None:
    """Write report.json and its tables."""
    report = ReportFile(folder)
    report.content = Report.model_validate(content)
    write_tables(folder, report.content)
    report.save()


def toy_content(toy: ToyResults) -> dict[str, Any]:
    """The content of a report.json: better models first, and of each task one clip harder than the next."""
    models = [_model(label, toy) for label in toy.models]
    pairs = [
        {"source": _clip_name((n + 1) % max(toy.clips, 2)), "driving": _clip_name(n)}
        for n in range(toy.clips if "cross" in toy.tasks else 0)
    ]
    clips = [entry for task in toy.tasks for entry in _clips(task, toy, models)]
    return {
        "schema": SCHEMA,
        "setting": {
            "kind": "evaluation",
            "dataset": toy.dataset,
            "listed_clips": None,
            "dataset_hash": _hash(toy.dataset),
            "split": "test",
            "height": toy.side,
            "width": toy.side,
            "limit": None,
            "pair_count": len(pairs),
            "seed": 0,
            "protocol": "literature",
            "subject": "face",
            "metrics": list(toy.metrics),
        },
        "pairs": pairs,
        "runs": [_run(toy, models, clips)],
    }


def _run(toy: ToyResults, models: list[dict[str, Any]], clips: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "plan": {
            "models": models,
            "tasks": {task: "absolute" if task == "reconstruction" else "relative" for task in toy.tasks},
            "tasks_with_truth": ["reconstruction"],
            "metrics": {name: _meaning(name) for name in toy.metrics},
            "device": "cpu",
            "version": "0.1.0",
        },
        "sessions": [{"command_line": "lia-bench evaluate", "date": "2026-01-02T03:04:05Z"}],
        "clips": clips,
        "failures": [],
        "unavailable": {},
        "missing_weights": {},
        "sets": {"clips": len(clips), "scores": []},
    }


def _meaning(name: str) -> dict[str, Any]:
    definition = next(metric for metric in METRICS.values() if metric.alias == name)
    description = name if definition.name == name else f"{definition.name}(toy)"
    return {"definition": definition.name, "description": description, "of_sets": False, "averaging": "clips"}


def _model(label: str, toy: ToyResults) -> dict[str, Any]:
    return {
        "label": label,
        "model": label,
        "variant": f"toy-{toy.side}",
        "checkpoint": f"runs/{label}/toy/last" if label != "identity" else "",
        "checkpoint_sha256": _hash(label),
        "transfers": {task: "absolute" if task == "reconstruction" else "relative" for task in toy.tasks},
    }


def _clips(task: str, toy: ToyResults, models: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(len(task))
    for number in range(toy.clips):
        name = _clip_name(number)
        source = name if task == "reconstruction" else _clip_name((number + 1) % max(toy.clips, 2))
        hardness = random.uniform(0.6, 1.6)
        entry: dict[str, Any] = {
            "number": number if task == toy.tasks[0] else toy.clips + number,
            "task": task,
            "clip": name,
            "features_key": _hash(name),
            "source": source,
            "frames": toy.frames,
            "models": [
                {"seconds": 0.1, "scores": _scores(task, toy, hardness * (1 + place / 4), random)}
                for place in range(len(models))
            ],
            "date": "2026-01-02T03:04:05Z",
        }
        if toy.videos:
            place = f"videos/{task}/{name if source == name else f'{source}--by--{name}'}"
            entry |= {"driving_video": f"{place}/driving.mp4", "source_picture": f"{place}/source.png"}
            for model, result in zip(models, entry["models"], strict=True):
                slug = "".join(letter if letter.isalnum() else "-" for letter in model["label"])
                result["video"] = f"{place}/{slug}-{model['checkpoint_sha256'][:8]}.mp4"
            if toy.flow_videos:
                entry["models"][0]["flow_video"] = entry["models"][0]["video"]
        yield entry


def _scores(task: str, toy: ToyResults, badness: float, random: np.random.Generator) -> dict[str, Any]:
    scores = {}
    for name in toy.metrics:
        factor = badness * random.uniform(0.85, 1.15)
        value: float | None = TYPICAL[name] / factor if name in ("psnr", "ssim") else TYPICAL[name] * factor
        if task == "cross" and name != "aed":
            value = None
        frames = toy.frames if value is not None else 0
        scores[name] = {"value": value, "weight": float(frames), "valid_frames": frames, "missing_frames": 0}
    return scores


def _write_videos(folder: Path, toy: ToyResults, clips: Sequence[Mapping[str, Any]]) -> None:
    from PIL import Image

    encoded: dict[int, Mapping[str, Any]] = {}
    for number, clip in enumerate(clips):
        first = encoded.setdefault(number % (toy.different_videos or len(clips)), clip)
        for place, (mine, original) in enumerate(zip(_videos(clip), _videos(first), strict=True)):
            if clip is first:
                write_video(folder / mine, _frames(toy, number, place), toy.fps)
                continue
            (folder / mine).parent.mkdir(parents=True, exist_ok=True)
            (folder / mine).unlink(missing_ok=True)
            os.link(folder / original, folder / mine)
        Image.fromarray(next(_frames(toy, number, 0))).save(folder / clip["source_picture"])


def _videos(clip: Mapping[str, Any]) -> list[str]:
    return [clip["driving_video"], *(result["video"] for result in clip["models"])]


def _frames(toy: ToyResults, number: int, place: int) -> Iterator[Frame]:
    """A square that wanders to the right over a gradient, the more to the side and the paler the later the model."""
    rows, columns = np.mgrid[: toy.side, : toy.side] / toy.side
    side = toy.side // 4
    for step in range(toy.frames):
        picture = np.stack([rows * 120, columns * 120, np.full_like(rows, 40 + number * 37 % 160)], axis=-1)
        left = round((toy.side - side) * step / max(toy.frames - 1, 1))
        top = min(toy.side // 3 + place * toy.side // 16, toy.side - side)
        picture[top : top + side, left : left + side] = 250 - 15 * place
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _clip_name(number: int) -> str:
    # '#' is in the names of clips that `preprocess` makes, and has a meaning in a page's addresses.
    return f"person{number:03d}#head#000000"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
