"""Scores folders of videos by THEval: each video alone, with its sound, and the means against those of true videos.

The true videos are a row of the same table, measured with the same tools in a run of its own, which other programs
that are scored against them find done.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.core.names import as_text
from lia_bench.core.prepared_dataset import Clip, PreparedDataset
from lia_bench.core.processes import Processes
from lia_bench.core.provenance import utc_date
from lia_bench.core.video import FrameReader, open_indexed
from lia_bench.core.video.sound import has_sound, mono_sound
from lia_bench.leaderboards.evaluation.request import SPLIT, EvaluationOutcome, ScoreRequest
from lia_bench.leaderboards.evaluation.session import Announce, SessionPlan, run_plan, session
from lia_bench.leaderboards.evaluation.video_folders import open_folder, trimmed, trimmed_size, usual_size
from lia_bench.leaderboards.results.report import ClipEntry, Key, ModelResult, PlannedModel, Run, ScoreSetting, SetScore
from lia_bench.metrics.clip_scores import exact_convolutions
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import Compares, Score, ScoringSetting
from lia_bench.metrics.suite import LoadedExtractor, Suite, open_suite
from lia_bench.metrics.theval.definitions import Closeness, check_same_tools, measures_behind
from lia_bench.metrics.theval.synchronization import LIBRARY, RATE, SpeechDetector
from lia_bench.metrics.theval.video_metric import Speech, VideoFacts, VideoMetric
from lia_bench.models.loading import pick_device

TASK = "talking-head"
GROUND_TRUTH = "ground-truth"
"""What tables call the true videos."""

NO_TRUTH = "no true videos were given to compare with: give --reference"


@dataclass(frozen=True)
class VideoAlone:
    """A video among those of its folder."""

    number: int
    clip: Clip

    @property
    def key(self) -> Key:
        """What tells it from the others."""
        return TASK, self.clip.name, self.clip.name


def score_alone(request: ScoreRequest, announce: Announce) -> EvaluationOutcome:
    """Score a folder of videos, and first the true ones where there are any; goes on where a killed one stopped.

    Raises:
        InputError: no such folder, or no video in it.
        UnreadableVideoError: none of the videos can be read.
        UnknownNameError: no such metric.
        DeviceError: the device is not there.
    """
    request.check()
    processes = Processes()
    tell: Announce = announce if processes.first else lambda line: None
    device = pick_device(request.device or processes.usual_device())
    generated = open_folder(request.generated)
    truth = open_folder(request.reference) if request.reference else None
    base = truth or generated
    height, width = usual_size([clip.path for clip in base.clips], request.trim)
    setting = ScoringSetting(height, width, device, request.protocol)
    suite = open_suite(_with_parts(request.metrics), "face", setting)
    suite = suite if truth else _without_truth(suite)
    label = request.model or as_text(request.generated.resolve().name)

    def planned(model: str, dataset: PreparedDataset) -> SessionPlan:
        for line in dataset.remarks:
            tell(line)
        program = PlannedModel(label=model, model=model, variant="", checkpoint="", checkpoint_sha256=dataset.hash)
        return SessionPlan(
            title=f"score {model}",
            folder=request.results / (request.name or f"theval-{base.folder.resolve().name}"),
            setting=_setting(request, base, suite),
            run=run_plan([program], {TASK: ""}, [TASK], suite),
            suite=suite,
            pairs=[],
            notes={},
            processes=processes,
            announce=tell,
            distances=partial(_held_against, None),
        )

    scorer = _VideoScorer(request, suite)
    failures: tuple[str, ...] = ()
    true_run = None
    if truth is not None:
        outcome = _measured(planned(GROUND_TRUTH, truth), truth, scorer)
        failures, true_run = outcome.failures, outcome.run
    held = replace(planned(label, generated), distances=partial(_held_against, true_run))
    outcome = _measured(held, generated, scorer)
    if true_run is not None:
        for line in _unlike(outcome.run, true_run):
            tell(line)
    return replace(outcome, failures=tuple(dict.fromkeys((*failures, *outcome.failures))))


def _with_parts(metrics: Sequence[str] | None) -> list[str] | None:
    """The metrics asked for, and those that their scores are made of."""
    if metrics is None:
        return None
    return [*metrics, *(part for metric in metrics for part in measures_behind(metric) if part not in metrics)]


def _measured(plan: SessionPlan, videos: PreparedDataset, scorer: "_VideoScorer") -> EvaluationOutcome:
    with session(plan) as opened:
        return opened.measure([VideoAlone(number, clip) for number, clip in enumerate(videos.clips)], scorer.entry)


def _setting(request: ScoreRequest, base: PreparedDataset, suite: Suite) -> ScoreSetting:
    return ScoreSetting(
        dataset=base.name,
        dataset_hash=base.hash,
        split=SPLIT,
        height=suite.setting.height,
        width=suite.setting.width,
        trim=list(request.trim),
        sources=None,
        seed=request.seed,
        protocol=str(request.protocol),
        subject="face",
        metrics=list(suite.columns),
    )


def _without_truth(suite: Suite) -> Suite:
    """The suite without what is held against true videos."""
    of_means = [metric for metric in suite.metrics if metric.specification.compares is Compares.MEANS]
    left = tuple(metric for metric in suite.metrics if metric not in of_means)
    return replace(suite, metrics=left, unavailable=suite.unavailable | {one.column: NO_TRUTH for one in of_means})


def _held_against(truth: Run | None, suite: Suite, run: Run, folder: Path) -> list[SetScore]:
    """The scores of a run's means against those of the true videos' run; None is the run itself, all of whose are 1."""
    truth = truth or run
    check_same_tools(_tools(run), _tools(truth))
    values, true_values = means(run), means(truth)
    return [_set_score(column, *score.score(values, true_values)) for column, score in _closeness(suite)]


def _closeness(suite: Suite) -> Iterator[tuple[str, Closeness]]:
    for metric in suite.metrics:
        score = metric.make() if metric.specification.compares is Compares.MEANS else None
        if isinstance(score, Closeness):
            yield metric.column, score


def _set_score(column: str, value: float | None, reason: str) -> SetScore:
    return SetScore(task=TASK, model=0, metric=column, value=value, reason=reason or None)


def means(run: Run) -> dict[str, float]:
    """Plain name of a metric to its mean over the videos that have a value, each counting alike."""
    found = {}
    for column, meaning in run.plan.metrics.items():
        scores = [clip.models[0].scores.get(column) for clip in run.clips]
        values = [score.value for score in scores if score is not None and score.value is not None]
        if values:
            found[METRICS[meaning.definition].alias] = sum(values) / len(values)
    return found


def _tools(run: Run) -> dict[str, str]:
    """Plain name of a metric of videos to the networks behind it."""
    return {METRICS[one.definition].alias: one.description for one in run.plan.metrics.values() if not one.of_sets}


def _unlike(run: Run, truth: Run) -> Iterator[str]:
    """What makes numbers differ that is no matter of quality: frame rates and sizes other than the true videos'."""
    rates, true_rates = ({f"{clip.fps:g}" for clip in one.clips if clip.fps is not None} for one in (run, truth))
    if rates != true_rates:
        yield (
            f"the videos have {_listed(rates)} frames a second and the true ones {_listed(true_rates)}: "
            "eyebrow_dynamics and head_motion count from frame to frame, so that they differ by that alone"
        )
    sizes, true_sizes = ({"x".join(map(str, clip.size)) for clip in one.clips if clip.size} for one in (run, truth))
    if sizes != true_sizes:
        yield (
            f"the videos have {_listed(sizes)} pixels and the true ones {_listed(true_sizes)}: "
            "head_motion counts pixels, so that it differs by that alone"
        )


def _listed(values: set[str]) -> str:
    return ", ".join(sorted(values)) or "no"


class _VideoScorer:
    def __init__(self, request: ScoreRequest, suite: Suite) -> None:
        self._request = request
        self._metrics: dict[str, tuple[LoadedExtractor, VideoMetric]] = {}
        for metric in suite.metrics:
            meter = metric.make() if metric.specification.compares is Compares.VIDEO else None
            if isinstance(meter, VideoMetric) and metric.extractor is not None:
                self._metrics[metric.column] = metric.extractor, meter
        self._extractors = list(dict.fromkeys(extractor for extractor, _ in self._metrics.values()))
        self._device = suite.setting.device
        hears = any(LIBRARY in metric.specification.libraries for metric in suite.metrics)
        self._detector = SpeechDetector() if hears else None

    def entry(self, item: VideoAlone) -> ClipEntry:
        """The video's entry of the report.

        Raises:
            UnreadableVideoError: it cannot be read to its end, or is a clip and not the one that was prepared.
        """
        clip = item.clip
        clip.checked_sha256()
        with open_indexed(clip.path) as reader:
            height, width = trimmed_size(reader, self._request.trim)
            rows = self._rows(reader)
            speech, silence = self._speech(clip.path)
            facts = VideoFacts(width, height, reader.properties.fps, speech, silence)
        found = {column: meter.score(rows[of], facts) for column, (of, meter) in self._metrics.items()}
        scores = {
            column: Score(one.value, float(one.value is not None), one.valid_frames, one.missing_frames)
            for column, one in found.items()
        }
        reasons = {column: one.reason for column, one in found.items() if one.value is None}
        return ClipEntry(
            number=item.number,
            task=TASK,
            clip=clip.name,
            source=clip.name,
            features_key="",
            frames=len(reader),
            models=[ModelResult(seconds=0.0, scores=scores, reasons=reasons or None)],
            fps=facts.fps,
            size=(width, height),
            date=utc_date(),
        )

    def _rows(self, reader: FrameReader) -> Mapping[LoadedExtractor, NDArray[np.float32]]:
        """What every extractor says of all frames."""
        found: dict[LoadedExtractor, list[NDArray[np.float32]]] = {extractor: [] for extractor in self._extractors}
        with exact_convolutions():
            for frames in self._batches(reader):
                for extractor, rows in found.items():
                    rows.append(extractor.extract(frames))
        return {extractor: np.concatenate(rows) for extractor, rows in found.items()}

    def _batches(self, reader: FrameReader) -> Iterator[Tensor]:
        frames = (trimmed(torch.from_numpy(frame).permute(2, 0, 1), self._request.trim) for frame in reader)
        while batch := list(islice(frames, self._request.batch_size)):
            yield torch.stack(batch).to(self._device)

    def _speech(self, path: Path) -> tuple[Speech | None, str]:
        """The sound and where it is speech, or why there is none."""
        if self._detector is None:
            return None, ""
        if not has_sound(path):
            return None, "no sound track"
        samples = mono_sound(path, RATE)
        if not len(samples):
            return None, "a sound track that cannot be decoded"
        return Speech(samples, RATE, self._detector(samples)), ""
