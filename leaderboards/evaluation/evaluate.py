"""Runs models over a test set, resumable clip by clip: each clip through all models at once, decoded once, scored."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, tee
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.provenance import utc_date
from lia_bench.core.video import resize, to_tensor
from lia_bench.core.video.image import at_sizes
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.evaluation.course import Course, Views
from lia_bench.leaderboards.evaluation.films import VIDEOS, Camera, Rendered, filmed
from lia_bench.leaderboards.evaluation.plan import EvaluationPlan, plan
from lia_bench.leaderboards.evaluation.request import FLOWS, KINDS, EvaluationOutcome, EvaluationRequest
from lia_bench.leaderboards.evaluation.session import Announce, session
from lia_bench.leaderboards.evaluation.set_scores import generated_features, keep_true_features
from lia_bench.leaderboards.evaluation.streams import Contestant, TimedStream
from lia_bench.leaderboards.results.report import ClipEntry, ClipPair, Key, ModelResult, PlannedModel
from lia_bench.metrics.clip_scores import ClipScoring, ClipTruth, exact_convolutions
from lia_bench.metrics.features import FeatureFile
from lia_bench.metrics.suite import LoadedExtractor, Suite
from lia_bench.models.blocks.motion_marks import recorded_flows, recorded_marks


@dataclass(frozen=True)
class ClipTask:
    """One animation that every model is to make.

    Attributes:
        number: its place among all animations of the evaluation.
        task: 'reconstruction' or 'cross'.
        source: the clip of which a frame is animated.
        driving: the clip whose frames drive.
        frame: which of the source's frames it is.
    """

    number: int
    task: str
    source: Clip
    driving: Clip
    frame: int = 0

    @property
    def key(self) -> Key:
        """What tells it from the others of an evaluation."""
        return self.task, self.source.name, self.driving.name

    @property
    def place(self) -> PurePosixPath:
        """Where its videos go, below the folder of all videos."""
        same = self.source.name == self.driving.name
        name = self.driving.name if same else f"{self.source.name}--by--{self.driving.name}"
        return PurePosixPath(self.task) / name.replace("/", "_")

    @property
    def strip(self) -> PurePosixPath:
        """Where the video of all models side by side goes, likewise; it shows those that were evaluated last."""
        return self.place.with_name(f"{self.place.name}.mp4")


@dataclass(frozen=True)
class Judges:
    """How frames are scored.

    Attributes:
        suite: the metrics; its setting holds the size of all frames, and the device.
        batch_size: frames rendered and scored together.
        feature_file: where the features of a model's clip are kept, for metrics of sets: by the clip's number, the
            model's and the extractor.
    """

    suite: Suite
    batch_size: int
    feature_file: Callable[[int, int, LoadedExtractor], FeatureFile]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of all frames."""
        return self.suite.setting.height, self.suite.setting.width


@dataclass(frozen=True)
class Filming:
    """What is filmed.

    Attributes:
        results: the results folder.
        models: as the report has them, which names their files.
        flow_videos: whether the flows of models that have one are filmed as well.
        show: of `request.KINDS`, what is drawn over frames in a further video of each model that has it.
    """

    results: Path
    models: Sequence[PlannedModel]
    flow_videos: bool
    show: Sequence[str] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """What has to come with the models' frames."""
        return frozenset((*self.show, FLOWS) if self.flow_videos else self.show)

    def camera(self, task: ClipTask, source: Tensor, fps: float) -> AbstractContextManager[Camera]:
        """What films an animation of `source`, (3, H, W) in [0, 1]."""
        clip = (task.strip, task.place, source)
        return filmed(self.results, *clip, self.models, task.task, fps, self.flow_videos, self.show)


def evaluate(
    request: EvaluationRequest, announce: Announce = lambda line: None, experiment: str = ""
) -> EvaluationOutcome:
    """Evaluate, or go on with an evaluation that was killed; under torchrun, in several processes.

    Clips that cannot be read are noted and left out; anything else that fails stops the evaluation, and finished
    clips stay.

    Args:
        request: what to evaluate.
        announce: takes lines for the user: which checkpoint was taken for a model, how many clips of a list are here.
        experiment: name and hash of the experiment that asks; empty without one.

    Raises:
        LiaBenchError: of the kind that names the cause: no such model, dataset, checkpoint, metric, ...
    """
    planned = plan(request, announce, experiment)
    suite, models = planned.session.suite, planned.contestants
    with session(planned.session) as opened:
        work = _work(planned, opened.pairs)
        judges = Judges(suite, request.batch_size, partial(generated_features, opened.features))
        films = (opened.folder, planned.session.run.models, request.flow_videos, request.show)
        filming = Filming(*films) if request.videos else None
        strips = [opened.folder / VIDEOS / task.strip for task in work if filming]
        kinds = ["videos"] if request.videos else []
        if request.flow_videos or request.show or not opened.finished.issuperset(task.key for task in work):
            lacking = _warm_up(models, request.batch_size if request.compile else 0)
            if request.flow_videos and lacking[FLOWS]:
                planned.session.announce(f"without a dense flow, so without a flow video: {', '.join(lacking[FLOWS])}")
            for kind in request.show:
                if lacking[kind]:
                    planned.session.announce(f"without {kind}, so that none are shown: {', '.join(lacking[kind])}")
            kinds += ["flow videos"] if request.flow_videos and len(lacking[FLOWS]) < len(models) else []
            kinds += ["overlay videos"] if any(len(lacking[kind]) < len(models) for kind in request.show) else []
        opened.announce_lacking(*kinds)
        outcome = opened.measure(
            work, partial(evaluate_clip, models=models, judges=judges, filming=filming, course=planned.course)
        )
        return replace(outcome, video=next(filter(Path.is_file, strips), None))


def _work(planned: EvaluationPlan, pairs: Sequence[ClipPair]) -> list[ClipTask]:
    """Every animation to make, in order; `pairs` name source and driving clips of the cross task."""
    tasks = planned.request.tasks
    items = [("reconstruction", clip, clip, 0) for clip in planned.clips if "reconstruction" in tasks]
    sources, driving = ({clip.name: clip for clip in clips} for clips in (planned.sources, planned.clips))
    items += [("cross", sources[pair.source], driving[pair.driving], pair.frame) for pair in pairs]
    return [ClipTask(number, *item) for number, item in enumerate(items)]


def evaluate_clip(
    task: ClipTask, models: Sequence[Contestant], judges: Judges, filming: Filming | None, course: Course
) -> ClipEntry:
    """Animate, score and film one clip; memory does not grow with its length.

    Frames are scored as the models put them out, clamped to [0, 1]; extractors see them as 8-bit pictures.

    Returns:
        the clip's entry of the report.

    Raises:
        UnreadableVideoError: a clip cannot be read to its end, or is not the one that was prepared; nothing is left.
        MismatchedVideosError: no frame counts, or relative transfer can begin from none.
        LiaBenchError: a model failed.
    """
    modes = [model.transfers[task.task] for model in models]
    alike = task.task == "reconstruction"
    with course.opened(task.task, task.source, task.driving, task.frame, modes) as clip:
        source = to_tensor(resize(clip.views.source, judges.size))
        truth = ClipTruth(
            clip.key,
            clip.counted,
            frame_by_frame=alike,
            source=None if alike else source,
            start=None if clip.start is None else to_tensor(resize(clip.start, judges.size)),
            in_sets=clip.source_frames is None,
        )
        if clip.source_frames is not None:
            keep_true_features(judges.suite, clip.source_key, clip.source_count, clip.source_frames)
        scoring = ClipScoring(judges.suite, truth, modes, partial(judges.feature_file, task.number))
        camera = None
        try:
            with ExitStack() as films:
                kinds = filming.kinds if filming else ()
                evaluation = _Evaluation(task, models, judges, scoring, clip.views, clip.driving, kinds)
                for reference, rendered in evaluation.rows(clip.skipped):
                    if filming:
                        camera = camera or films.enter_context(filming.camera(task, source, clip.fps))
                        camera.take(reference, rendered)
                with exact_convolutions():
                    results = scoring.finish()
        except BaseException:
            scoring.abandon()
            raise
    files = camera.models if camera else [{} for _ in results]
    return ClipEntry(
        number=task.number,
        task=task.task,
        clip=task.driving.name,
        source=task.source.name,
        features_key=clip.source_key or clip.key,
        frames=evaluation.frames,
        models=[
            ModelResult(seconds=stream.watch.seconds, scores=result.scores, problem=result.problem, **own)
            for result, stream, own in zip(results, evaluation.streams, files, strict=True)
        ],
        source_picture=camera.source_picture if camera else None,
        driving_video=camera.driving_video if camera else None,
        # The clip's own first frame is where it starts.
        start_pose_gap=0.0 if alike else scoring.start_pose_gap,
        date=utc_date(),
    )


def _warm_up(models: Sequence[Contestant], compiled: int = 0) -> dict[str, list[str]]:
    """Let every model render once in each of its modes, so that what is set up in first calls does not count as speed.

    Args:
        models: those of the evaluation.
        compiled: frames at once of models whose code is compiled, which happens for a full batch, for one that is not,
            and for a single frame; 0 for others.

    Returns:
        of each of `request.KINDS` the labels of the models that do not have it.
    """
    lacking: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for model in models:
        frame = torch.rand(3, *model.seen, generator=torch.Generator().manual_seed(0))
        try:
            for transfer in dict.fromkeys(model.transfers.values()):
                with recorded_flows() as flows, recorded_marks() as marks:
                    list(model.animator.animate_stream(frame, frame[None], transfer))
                for count in (2 * compiled - 1, 1) if compiled else ():
                    list(model.animator.animate_stream(frame, [frame] * count, transfer, compiled))
        except (LiaBenchError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(f"{model.label} cannot animate: {type(error).__name__}: {reason}") from error
        for kind, labels in lacking.items():
            if not (flows if kind == FLOWS else marks.has(kind)):
                labels.append(model.label)
    return lacking


class _Evaluation:
    """The state of one clip on its way."""

    def __init__(
        self,
        task: ClipTask,
        models: Sequence[Contestant],
        judges: Judges,
        scoring: ClipScoring,
        views: Views,
        driving: Iterator[Frame],
        kinds: Collection[str],
    ) -> None:
        self._judges = judges
        self._scoring = scoring
        sizes = {judges.size, *(model.seen for model in models)}
        # The models take frames a batch at a time and in step, so that tee holds little more than a batch.
        shown, *branches = tee(at_sizes(driving, sizes), len(models) + 1)
        self._reference = (to_tensor(frames[judges.size]) for frames in shown)
        of_task = (task.task, task.driving.name, views)
        self.streams = [
            TimedStream(model, *of_task, branch, judges.size, judges.batch_size, kinds)
            for model, branch in zip(models, branches, strict=True)
        ]
        self.frames = 0

    def rows(self, skipped: int) -> Iterator[tuple[Tensor, Sequence[Rendered]]]:
        """For each frame the driving frame, (3, H, W) in [0, 1], and what every model made of it, scored after that.

        The first `skipped` are rendered and count for nothing.
        """
        device = self._judges.suite.setting.device
        rows = islice(zip(self._reference, *self.streams, strict=True), skipped, None)
        while batch := list(islice(rows, self._judges.batch_size)):
            for shown, *rendered in batch:
                yield shown, rendered
            frames = ([shown, *(one.frame for one in rendered)] for shown, *rendered in batch)
            reference, *generated = (torch.stack(each).to(device) for each in zip(*frames, strict=True))
            # Rendering is timed, and in the precision that models have by themselves: scoring ends before it goes on.
            with exact_convolutions():
                self._scoring.score(reference, generated)
            self.frames += len(batch)
