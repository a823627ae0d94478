"""Scores videos that any program made against true ones: matched by name, compared frame by frame."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lia_bench.core.errors import InputError, UnreadableVideoError
from lia_bench.core.prepared_dataset import VIDEO_SUFFIXES, Clip, PreparedDataset, open_dataset
from lia_bench.core.provenance import provenance
from lia_bench.core.suggestions import unknown
from lia_bench.core.video import FrameReader, open_indexed, to_tensor
from lia_bench.core.video.fingerprint import sha256_of_video
from lia_bench.leaderboards import planning
from lia_bench.leaderboards.locking import alone_in_results
from lia_bench.leaderboards.measuring import MismatchedVideosError, measure
from lia_bench.leaderboards.processes import join_processes
from lia_bench.leaderboards.report import Report
from lia_bench.leaderboards.request import EvaluationOutcome
from lia_bench.leaderboards.set_scores import features_folder, generated_features
from lia_bench.metrics.clip_scoring import ClipScoring, ClipTruth, exact_convolutions
from lia_bench.metrics.protocols import Protocol
from lia_bench.metrics.registry import SUBJECTS, check_name, ordered, usual_names
from lia_bench.metrics.setting import ScoringSetting
from lia_bench.metrics.suite import Suite, one_thread, open_suite
from lia_bench.models.loading import pick_device

STILL_SUFFIXES = (".png", ".jpg", ".jpeg")

Trim = tuple[int, int, int, int]
"""Pixels left out at the top, right, bottom and left of every frame."""


@dataclass(frozen=True)
class ScoreRequest:
    """What to score.

    Attributes:
        generated: folder of the videos to score.
        reference: folder of the true videos, or a prepared dataset, whose test clips are taken.
        source: folder of the animated images, or one image; identity is then compared with them.
        model: what tables call the program; None is the name of `generated`.
        metrics: names; None is all plain ones.
        protocol: the rules that numbers are computed by.
        subject: what the videos show; None is what a prepared dataset says.
        trim: what of every frame is left out, such as lines that a visualiser drew.
        name: of the results folder; None is score- and the name of the reference folder.
        device: torch's name; None is the GPU where there is one.
        batch_size: frames scored together; no number depends on it.
        seed: of the 95 % intervals.
        results: parent of the results folder.
    """

    generated: Path
    reference: Path
    source: Path | None = None
    model: str | None = None
    metrics: tuple[str, ...] | None = None
    protocol: Protocol = Protocol.LITERATURE
    subject: str | None = None
    trim: Trim = (0, 0, 0, 0)
    name: str | None = None
    device: str | None = None
    batch_size: int = 8
    seed: int = 0
    results: Path = Path("results")

    def check(self) -> None:
        """Raise InputError or UnknownNameError for a value that cannot be, before anything is loaded."""
        for metric in self.metrics or ():
            check_name(metric)
        if self.subject is not None and self.subject not in SUBJECTS:
            raise InputError(unknown("subject", self.subject, SUBJECTS))
        if self.batch_size < 1:
            raise InputError(f"--batch-size {self.batch_size}: it must be at least 1")
        if min(self.trim) < 0:
            raise InputError(f"--trim {','.join(map(str, self.trim))}: pixels cannot be negative")
        if self.name is not None and (Path(self.name).name != self.name or self.name.startswith(".")):
            raise InputError(f"--name {self.name}: it names one folder in {self.results}, without slashes")


@dataclass(frozen=True)
class VideoPair:
    """A generated video, the true one of the same name, and the image that was animated."""

    number: int
    task: str
    generated: Clip
    reference: Clip
    source: Path | None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others."""
        return self.task, self.source.name if self.source else self.reference.name, self.reference.name


def score(request: ScoreRequest, announce: Callable[[str], None] = lambda line: None) -> EvaluationOutcome:
    """Score a folder of videos, or go on with a scoring that was killed; under torchrun, in several processes.

    Videos without a counterpart, with other frame counts or sizes, or that cannot be read are noted and left out.

    Args:
        request: what to score.
        announce: takes lines for the user: what the plain names of metrics mean here.

    Raises:
        InputError: no such folder, or no video of it has a counterpart.
        LiaBenchError: of the kind that names the cause.
    """
    request.check()
    processes = join_processes()
    tell = announce if processes.first else lambda line: None
    metrics = ordered(request.metrics if request.metrics is not None else usual_names())
    device = pick_device(request.device or processes.usual_device())
    reference = _dataset(request.reference)
    generated = _dataset(request.generated)
    pairs, unmatched = match(generated, reference, request.source)
    height, width = _usual_size(pairs, request.trim)
    subject = request.subject or planning.subject_of(reference)
    suite = open_suite(metrics, subject, ScoringSetting(height, width, device, request.protocol))
    for line in planning.meanings(suite):
        tell(line)

    folder = request.results / (request.name or f"score-{request.reference.resolve().name}")
    with alone_in_results(folder) if processes.first else nullcontext():
        report = Report(folder, processes.rank)
        run_index = 0
        if processes.first:
            run_index = report.begin(
                _setting(request, reference, pairs, suite, metrics, subject),
                _plan(request, generated, pairs[0].task, suite),
                suite,
                provenance() | {"unmatched": unmatched},
            )
        report.content, run_index = processes.agree((report.content, run_index))
        features = features_folder(report.folder, run_index)
        scorer = _PairScorer(request, suite, features)
        left_out = measure("score", pairs, scorer.entry, report, run_index, suite, processes)
        return EvaluationOutcome(report, run_index, None, (*unmatched, *left_out), processes.first)


def match(
    generated: PreparedDataset, reference: PreparedDataset, source: Path | None
) -> tuple[list[VideoPair], list[str]]:
    """Pairs of videos of one name, in the order of the reference; and a line for each that has no counterpart.

    Raises:
        InputError: no video has one.
    """
    made, ambiguous = _by_name(generated)
    true, ambiguous_truth = _by_name(reference)
    unmatched = [*ambiguous, *ambiguous_truth]
    unmatched += [f"{generated.folder}: there is no video for {name}" for name in true if name not in made]
    unmatched += [
        f"{clip.path}: {reference.folder} has no video of this name" for name, clip in made.items() if name not in true
    ]
    both = [(number, name) for number, name in enumerate(true) if name in made]
    if not both:
        raise InputError(
            f"{generated.folder}: none of its {len(made)} videos has the name of one of the {len(true)} in "
            f"{reference.folder}; videos are matched by name, whatever their suffix"
        )
    task = "reconstruction" if source is None else "cross"
    pairs: list[VideoPair] = []
    # Numbers name files of features: they stay the same when an image is added later.
    for number, name in both:
        image = _source_of(name, source) if source is not None else None
        if source is not None and image is None:
            unmatched.append(f"{source}: there is no image for {name}")
        else:
            pairs.append(VideoPair(number, task, made[name], true[name], image))
    if not pairs:
        raise InputError(f"{source}: it has no image of the name of any of the {len(both)} videos")
    return pairs, unmatched


class _PairScorer:
    def __init__(self, request: ScoreRequest, suite: Suite, features: Path) -> None:
        self._request = request
        self._suite = suite
        self._features = features

    def entry(self, pair: VideoPair) -> dict[str, Any]:
        """The pair's entry of the report.

        Raises:
            UnreadableVideoError: a video cannot be read to its end.
            MismatchedVideosError: frame counts or sizes differ.
        """
        trim = self._request.trim
        key = sha256_of_video(pair.reference.path) + ("-trim-" + "-".join(map(str, trim)) if any(trim) else "")
        with open_indexed(pair.generated.path) as mine, open_indexed(pair.reference.path) as theirs:
            self._check(mine, theirs)
            scoring = ClipScoring(
                self._suite,
                ClipTruth(key, len(theirs), frame_by_frame=True, source=self._source(pair)),
                1,
                lambda model, by: generated_features(self._features, pair.number, model, by),
            )
            try:
                with exact_convolutions(), one_thread():
                    for generated, reference in zip(self._batches(mine), self._batches(theirs), strict=True):
                        scoring.update(reference, [generated])
                    (result,) = scoring.finish()
            except BaseException:
                scoring.abandon()
                raise
            scores = {name: asdict(found) for name, found in result.scores.items()}
            return {
                "number": pair.number,
                "task": pair.task,
                "clip": pair.reference.name,
                "features_key": key,
                "source": pair.key[1],
                "frames": len(theirs),
                "models": [{"seconds": 0.0, "scores": scores}],
            }

    def _check(self, mine: FrameReader, theirs: FrameReader) -> None:
        if len(mine) != len(theirs):
            raise MismatchedVideosError(
                f"{mine.properties.path}: {len(mine)} frames, and {len(theirs)} in {theirs.properties.path}"
            )
        size = self._suite.setting.width, self._suite.setting.height
        for reader in (mine, theirs):
            height, width = _trimmed_size(reader, self._request.trim)
            if (width, height) != size:
                raise MismatchedVideosError(
                    f"{reader.properties.path}: frames of {width}x{height}, and {size[0]}x{size[1]} in the others"
                )

    def _batches(self, reader: FrameReader) -> Iterator[Tensor]:
        frames = (_trimmed(to_tensor(frame), self._request.trim) for frame in reader)
        while batch := list(islice(frames, self._request.batch_size)):
            yield torch.stack(batch).to(self._suite.setting.device)

    def _source(self, pair: VideoPair) -> Tensor | None:
        if pair.source is None:
            return None
        image = to_tensor(_read_image(pair.source)) if pair.source.suffix.lower() in STILL_SUFFIXES else None
        if image is None:
            with open_indexed(pair.source) as reader:
                image = to_tensor(reader.frame(0))
        return _trimmed(image, self._request.trim).to(self._suite.setting.device)


def _dataset(folder: Path) -> PreparedDataset:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    dataset = open_dataset(str(folder), folder.parent)
    return replace(dataset, clips=tuple(clip for clip in dataset.clips if clip.partition == "test"))


def _by_name(dataset: PreparedDataset) -> tuple[dict[str, Clip], list[str]]:
    """The videos that are the only ones of their name, and a line for each name that several have."""
    clips: dict[str, list[Clip]] = {}
    for clip in dataset.partition("test"):
        clips.setdefault(clip.name, []).append(clip)
    several = {name: own for name, own in clips.items() if len(own) > 1}
    lines = [
        f"{dataset.folder}: several videos are called {name}: {', '.join(clip.path.name for clip in own)}"
        for name, own in several.items()
    ]
    return {name: own[0] for name, own in clips.items() if name not in several}, lines


def _source_of(name: str, source: Path) -> Path | None:
    if source.is_file():
        return source
    suffixes = {*STILL_SUFFIXES, *VIDEO_SUFFIXES}
    fitting = (path for path in sorted(source.glob("*")) if path.is_dir() or path.suffix.lower() in suffixes)
    return next((path for path in fitting if name in (path.stem, path.name)), None)


def _read_image(path: Path) -> Any:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise MismatchedVideosError(f"{path}: not readable as an image ({error})") from error


def _trimmed(image: Tensor, trim: Trim) -> Tensor:
    top, right, bottom, left = trim
    height, width = image.shape[-2:]
    return image[..., top : height - bottom, left : width - right]


def _trimmed_size(reader: FrameReader, trim: Trim) -> tuple[int, int]:
    """Height and width of what is left of a video's frames."""
    top, right, bottom, left = trim
    height, width = reader.properties.height - top - bottom, reader.properties.width - left - right
    if min(height, width) < 1:
        raise InputError(f"--trim {','.join(map(str, trim))}: nothing is left of {reader.properties.path}")
    return height, width


def _usual_size(pairs: Sequence[VideoPair], trim: Trim) -> tuple[int, int]:
    """Height and width that most of the true videos have, so that one odd or broken video stops nothing.

    Raises:
        UnreadableVideoError: none of them can be read.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    errors: list[UnreadableVideoError] = []
    for pair in pairs:
        try:
            with open_indexed(pair.reference.path) as reader:
                sizes[_trimmed_size(reader, trim)] += 1
        except UnreadableVideoError as error:
            errors.append(error)
    if not sizes:
        raise errors[0]
    return sizes.most_common(1)[0][0]


def _setting(
    request: ScoreRequest,
    reference: PreparedDataset,
    pairs: Sequence[VideoPair],
    suite: Suite,
    metrics: Sequence[str],
    subject: str,
) -> dict[str, Any]:
    return {
        "kind": "score",
        "dataset": reference.name,
        "dataset_hash": reference.hash,
        "split": planning.SPLIT,
        "height": suite.setting.height,
        "width": suite.setting.width,
        "trim": list(request.trim),
        "sources": _hash_of_sources(pairs),
        "seed": request.seed,
        "protocol": str(request.protocol),
        "subject": subject,
        "metrics": list(metrics),
    }


def _hash_of_sources(pairs: Sequence[VideoPair]) -> str | None:
    """One SHA-256 over the images that were animated; None without any."""
    lines = [f"{pair.reference.name} {sha256_of_video(pair.source)}\n" for pair in pairs if pair.source]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else None


def _plan(request: ScoreRequest, generated: PreparedDataset, task: str, suite: Suite) -> dict[str, Any]:
    label = request.model or request.generated.resolve().name
    return {
        "models": [
            {"label": label, "model": label, "variant": "", "checkpoint": "", "checkpoint_sha256": generated.hash}
        ],
        "tasks": {task: ""},
        "tasks_with_truth": [task],
        "metrics": planning.describe_metrics(suite),
        "device": suite.setting.device.type,
        "version": planning.own_version(),
    }
