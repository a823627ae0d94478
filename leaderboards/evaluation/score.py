"""Scores videos that any program made against true ones: matched by name, compared frame by frame."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lia_bench.core.errors import InputError
from lia_bench.core.names import as_text
from lia_bench.core.prepared_dataset import subject_of
from lia_bench.core.processes import Processes
from lia_bench.core.provenance import utc_date
from lia_bench.core.video import FrameReader, open_indexed, read_image, to_tensor
from lia_bench.core.video.image import holds_picture
from lia_bench.core.video.reader import Frame
from lia_bench.core.video.readers import sha256_of_video
from lia_bench.leaderboards.evaluation.course import Course, Frames, MismatchedVideosError, open_source
from lia_bench.leaderboards.evaluation.films import ScoredVideos, file_stem
from lia_bench.leaderboards.evaluation.pairs import PAIRS
from lia_bench.leaderboards.evaluation.request import SPLIT, EvaluationOutcome, ScoreRequest
from lia_bench.leaderboards.evaluation.session import (
    Announce,
    SessionPlan,
    run_plan,
    session,
)
from lia_bench.leaderboards.evaluation.set_scores import generated_features, keep_true_features
from lia_bench.leaderboards.evaluation.theval import score_alone
from lia_bench.leaderboards.evaluation.video_folders import (
    VideoPair,
    match,
    match_listed,
    open_folder,
    trimmed,
    trimmed_size,
    usual_size,
)
from lia_bench.leaderboards.results.report import ClipEntry, ModelResult, PlannedModel, ScoreSetting
from lia_bench.metrics.clip_scores import ClipScoring, ClipTruth, exact_convolutions
from lia_bench.metrics.specification import Protocol, ScoringSetting
from lia_bench.metrics.suite import Suite, one_thread, open_suite
from lia_bench.models.loading import pick_device


@dataclass(frozen=True)
class ScorePlan:
    """A scoring with all that decides its course: every check is made, and nothing is written yet.

    Attributes:
        pairs: of generated and true videos.
        unmatched: a line for each video that has no counterpart.
        session: what is measured, and where it goes.
    """

    pairs: Sequence[VideoPair]
    unmatched: Sequence[str]
    session: SessionPlan


def score(request: ScoreRequest, announce: Announce = lambda line: None) -> EvaluationOutcome:
    """Score a folder of videos, or go on with a scoring that was killed; under torchrun, in several processes.

    Videos without a counterpart, with other frame counts or sizes, or that cannot be read are noted and left out.

    Args:
        request: what to score.
        announce: takes lines for the user: what the plain names of metrics mean here.

    Raises:
        InputError: no such folder, or no video of it has a counterpart.
        LiaBenchError: of the kind that names the cause.
    """
    if request.protocol is Protocol.THEVAL:
        return score_alone(request, announce)
    planned = plan(request, announce)
    with session(planned.session) as opened:
        opened.announce_lacking(*(["videos"] if request.videos else []))
        stem = file_stem(planned.session.run.models[0], "") if request.videos else None
        scorer = _PairScorer(request, planned.session.suite, opened.features, opened.folder, stem)
        outcome = opened.measure(planned.pairs, scorer.entry)
        return replace(outcome, failures=(*planned.unmatched, *outcome.failures))


def plan(request: ScoreRequest, announce: Announce) -> ScorePlan:
    """Check `request` and resolve it; `announce` takes lines for the user.

    Raises:
        UnknownNameError: no such metric.
        InputError: no such folder, no video has a counterpart, or nothing is left of a frame.
        UnreadableVideoError: none of the true videos can be read.
        DeviceError: the device is not there.
    """
    request.check()
    if request.reference is None:
        raise InputError("no --reference, the folder of the true videos: only --protocol theval does without one")
    processes = Processes()
    tell: Callable[[str], None] = announce if processes.first else lambda line: None
    device = pick_device(request.device or processes.usual_device())
    reference = open_folder(request.reference)
    generated = open_folder(request.generated)
    for line in dict.fromkeys((*generated.remarks, *reference.remarks)):
        tell(line)
    listed = request.pairs_file or _left_by_animate(request, tell)
    if listed is not None:
        pairs, unmatched = match_listed(generated, reference, request.source, listed)
    else:
        pairs, unmatched = match(generated, reference, request.source)
    height, width = usual_size([pair.reference.path for pair in pairs], request.trim)
    subject = request.subject or subject_of(reference)
    suite = open_suite(request.metrics, subject, ScoringSetting(height, width, device, request.protocol), tell)
    task = pairs[0].task
    label = request.model or as_text(request.generated.resolve().name)
    program = PlannedModel(label=label, model=label, variant="", checkpoint="", checkpoint_sha256=generated.hash)
    session_plan = SessionPlan(
        title="score",
        folder=request.results / (request.name or f"score-{request.reference.resolve().name}"),
        setting=ScoreSetting(
            dataset=reference.name,
            dataset_hash=reference.hash,
            split=SPLIT,
            height=height,
            width=width,
            trim=list(request.trim),
            sources=_hash_of_sources(pairs),
            seed=request.seed,
            protocol=str(request.protocol),
            subject=subject,
            metrics=list(suite.columns),
            given_pairs="" if listed is None else _hash_of_pairs(pairs),
            max_frames=request.max_frames,
            skip_source_frame=request.skip_source_frame,
            set_side=request.set_side,
        ),
        run=run_plan([program], {task: request.transfer}, [task] if task == "reconstruction" else [], suite),
        suite=suite,
        pairs=[],
        notes={"unmatched": unmatched},
        processes=processes,
        announce=tell,
    )
    return ScorePlan(pairs, unmatched, session_plan)


class _PairScorer:
    def __init__(self, request: ScoreRequest, suite: Suite, features: Path, results: Path, stem: str | None) -> None:
        """`stem`: the name of the generated videos among those of the results; None shows no videos."""
        self._request = request
        self._course = Course(max_frames=request.max_frames, skip_source_frame=request.skip_source_frame)
        self._suite = suite
        self._features = features
        self._results = results
        self._stem = stem

    def entry(self, pair: VideoPair) -> ClipEntry:
        """The pair's entry of the report.

        Raises:
            UnreadableVideoError: a video cannot be read to its end, or is a clip and not the one that was prepared.
            MismatchedVideosError: frame counts or sizes differ.
        """
        trim = self._request.trim
        sha256 = pair.reference.checked_sha256()
        with open_indexed(pair.generated.path) as mine, open_indexed(pair.reference.path) as theirs:
            self._check(mine, theirs)
            frames = self._course.counted(theirs, pair.task)
            key = frames.key(sha256, len(theirs)) + self._trimming
            source = self._source(pair)
            source_of_sets = pair.source if self._request.set_side == "source" else None
            if source_of_sets is not None:
                key = self._keep_source(source_of_sets)
            rate = theirs.properties.fps
            shown = (
                ScoredVideos(self._results, pair, self._stem, source, rate, trimmed=any(trim)) if self._stem else None
            )
            scoring = ClipScoring(
                self._suite,
                ClipTruth(
                    key,
                    len(frames),
                    frame_by_frame=True,
                    source=source,
                    same_person=pair.task == "reconstruction",
                    in_sets=source_of_sets is None,
                ),
                [self._request.transfer],
                partial(generated_features, self._features, pair.number),
            )
            try:
                with exact_convolutions(), one_thread(), shown or nullcontext():
                    for generated, reference in zip(
                        self._batches(mine, frames), self._batches(theirs, frames), strict=True
                    ):
                        scoring.update(reference, [generated])
                        if shown:
                            shown.take(reference, generated)
                    (result,) = scoring.finish()
            except BaseException:
                scoring.abandon()
                raise
            return ClipEntry(
                number=pair.number,
                task=pair.task,
                clip=pair.reference.name,
                source=pair.key[1],
                features_key=key,
                frames=len(frames),
                models=[
                    ModelResult(
                        seconds=0.0,
                        scores=result.scores,
                        problem=result.problem,
                        video=shown.video if shown else None,
                    )
                ],
                source_picture=shown.source_picture if shown else None,
                driving_video=shown.driving_video if shown else None,
                start_pose_gap=scoring.start_pose_gap,
                date=utc_date(),
            )

    @property
    def _trimming(self) -> str:
        """What the key of features ends in."""
        trim = self._request.trim
        return "-trim-" + "-".join(map(str, trim)) if any(trim) else ""

    def _check(self, mine: FrameReader, theirs: FrameReader) -> None:
        most = self._request.max_frames or max(len(mine), len(theirs))
        if min(len(mine), most) != min(len(theirs), most):
            raise MismatchedVideosError(
                f"{mine.properties.path}: {len(mine)} frames, and {len(theirs)} in {theirs.properties.path}"
            )
        size = self._suite.setting.width, self._suite.setting.height
        for reader in (mine, theirs):
            height, width = trimmed_size(reader, self._request.trim)
            if (width, height) != size:
                raise MismatchedVideosError(
                    f"{reader.properties.path}: frames of {width}x{height}, and {size[0]}x{size[1]} in the others"
                )

    def _batches(self, reader: FrameReader, counted: Frames) -> Iterator[Tensor]:
        frames = islice(reader, counted.first, counted.end)
        images = (trimmed(to_tensor(frame), self._request.trim) for frame in frames)
        while batch := list(islice(images, self._request.batch_size)):
            yield torch.stack(batch).to(self._suite.setting.device)

    def _keep_source(self, source: Path) -> str:
        """Have the features of an animated image, or of the video that it is the first of; returns their key."""
        top, right, bottom, left = self._request.trim
        with open_source(source) as reader:
            frames = self._course.counted(reader, "cross")
            key = frames.key(sha256_of_video(source), len(reader)) + self._trimming
            kept = (
                frame[top : frame.shape[0] - bottom, left : frame.shape[1] - right]
                for frame in islice(reader, frames.end)
            )
            keep_true_features(self._suite, key, len(frames), kept)
        return key

    def _source(self, pair: VideoPair) -> Tensor | None:
        if pair.source is None:
            return None
        if holds_picture(pair.source):
            image = to_tensor(_read_image(pair.source))
        else:
            with open_indexed(pair.source) as reader:
                image = to_tensor(reader.frame(0))
        top, right, bottom, left = self._request.trim
        if top + bottom >= image.shape[1] or left + right >= image.shape[2]:
            raise MismatchedVideosError(f"{pair.source}: --trim leaves nothing of it; take less, or a larger picture")
        return trimmed(image, self._request.trim).to(self._suite.setting.device)


def _read_image(path: Path) -> Frame:
    try:
        return read_image(path)
    except InputError as error:
        raise MismatchedVideosError(str(error)) from error


def _left_by_animate(request: ScoreRequest, tell: Announce) -> Path | None:
    """The list that `animate` has left among the generated videos; None where there is none."""
    path = request.generated / PAIRS
    if not path.is_file():
        return None
    tell(f"{path}: says which source and driving video each result is of")
    return path


def _hash_of_pairs(pairs: Sequence[VideoPair]) -> str:
    """SHA-256 over what belongs together; what the generated videos are called does not matter."""
    lines = [f"{pair.listed_source} {pair.reference.name}\n" for pair in pairs]
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _hash_of_sources(pairs: Sequence[VideoPair]) -> str | None:
    """One SHA-256 over the images that were animated; None without any."""
    lines = [f"{pair.reference.name} {sha256_of_video(pair.source)}\n" for pair in pairs if pair.source]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else None
