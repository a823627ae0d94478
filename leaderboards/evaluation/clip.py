"""One clip through all models at once: decoded once, animated, scored and shown side by side."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import islice, tee
from operator import itemgetter
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.prepared_dataset import Clip
from lia_bench.core.provenance import utc_date
from lia_bench.core.video import open_indexed, resize, to_tensor
from lia_bench.core.video.image import at_sizes
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.evaluation.course import Course, driving_frames, open_source
from lia_bench.leaderboards.evaluation.films import Rendered, filmed
from lia_bench.leaderboards.evaluation.request import FLOWS, KINDS
from lia_bench.leaderboards.evaluation.set_scores import keep_true_features
from lia_bench.leaderboards.evaluation.streams import Contestant, TimedStream, Views
from lia_bench.leaderboards.results.report import ClipEntry, Key, ModelResult, PlannedModel
from lia_bench.leaderboards.results.score import Score
from lia_bench.metrics.clip_scores import ClipResult, ClipScoring, ClipTruth, exact_convolutions
from lia_bench.metrics.features import FeatureFile, LoadedExtractor
from lia_bench.metrics.suite import Suite
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


def warm_up(models: Sequence[Contestant]) -> dict[str, list[str]]:
    """Let every model render once, so that what libraries set up in the first call does not count as its speed.

    Returns:
        of each of `request.KINDS` the labels of the models that do not have it.
    """
    lacking: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for model in models:
        frame = torch.rand(3, *model.seen, generator=torch.Generator().manual_seed(0))
        try:
            with recorded_flows() as flows, recorded_marks() as marks:
                list(model.animator.animate_stream(frame, frame[None]))
        except (LiaBenchError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise LiaBenchError(f"{model.label} cannot animate: {type(error).__name__}: {reason}") from error
        for kind, labels in lacking.items():
            if not (flows if kind == FLOWS else marks.has(kind)):
                labels.append(model.label)
    return lacking


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
    with open_indexed(task.driving.path) as driving, open_source(task.source.path) as sources:
        views = course.views(task.source, sources, task.frame)
        source = to_tensor(resize(views.source, judges.size))
        alike = task.task == "reconstruction"
        counted = course.counted(driving, task.task)
        key = counted.key(task.driving.checked_sha256(), len(driving))
        source_key = task.source.checked_sha256() if task.source != task.driving else key
        from_source = course.set_side == "source" and not alike
        modes = [model.transfers[task.task] for model in models]
        start = course.start(views.source, driving, counted.end, modes) if not alike else None
        truth = ClipTruth(
            key,
            len(counted),
            frame_by_frame=alike,
            source=None if alike else source,
            start=None if start is None else to_tensor(resize(start, judges.size)),
            in_sets=not from_source,
        )
        if from_source:
            of_sets = course.counted(sources, task.task)
            key = of_sets.key(source_key, len(sources))
            keep_true_features(judges.suite, key, len(of_sets), islice(sources, of_sets.end))
        scoring = ClipScoring(judges.suite, truth, modes, partial(judges.feature_file, task.number))
        frames = driving_frames(driving, counted.end, start)
        kinds = filming.kinds if filming else ()
        evaluation = _Evaluation(task, models, judges, scoring, views, frames, kinds)
        camera = None
        try:
            with ExitStack() as films:
                if filming:
                    films_of = (filming.results, task.strip, task.place, source, filming.models, task.task)
                    wanted = (filming.flow_videos, filming.show)
                    camera = films.enter_context(filmed(*films_of, driving.properties.fps, *wanted))
                for reference, rendered in evaluation.rows(skipped=counted.first + (start is not None)):
                    if camera:
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
        features_key=key,
        frames=evaluation.frames,
        models=[
            result_entry(result, seconds, **own)
            for result, seconds, own in zip(results, evaluation.seconds(), files, strict=True)
        ],
        source_picture=camera.source_picture if camera else None,
        driving_video=camera.driving_video if camera else None,
        # The clip's own first frame is where it starts.
        start_pose_gap=0.0 if alike else scoring.start_pose_gap,
        date=utc_date(),
    )


def result_entry(result: ClipResult, seconds: float, **files: str) -> ModelResult:
    """A model's entry of the report: what was scored, how long it rendered, and the files of its films."""
    scores = {
        column: Score(score.value, score.weight, score.valid_frames, score.missing_frames)
        for column, score in result.scores.items()
    }
    return ModelResult(seconds=seconds, scores=scores, problem=result.problem, **files)


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
        self._reference = map(itemgetter(judges.size), shown)
        of_task = (task.task, task.driving.name, views)
        self._streams = [
            TimedStream(model, *of_task, branch, judges.size, judges.batch_size, kinds)
            for model, branch in zip(models, branches, strict=True)
        ]
        self.frames = 0

    def rows(self, skipped: int) -> Iterator[tuple[Tensor, Sequence[Rendered]]]:
        """For each frame the driving frame, (3, H, W) in [0, 1], and what every model made of it, scored after that.

        The first `skipped` are rendered and count for nothing.
        """
        device = self._judges.suite.setting.device
        rows = islice(zip(self._reference, *self._streams, strict=True), skipped, None)
        while batch := list(islice(rows, self._judges.batch_size)):
            for shown, *rendered in batch:
                yield shown, rendered
            frames = ([shown, *(one.frame for one in rendered)] for shown, *rendered in batch)
            reference, *generated = (torch.stack(each).to(device) for each in zip(*frames, strict=True))
            # Rendering is timed, and in the precision that models have by themselves: scoring ends before it goes on.
            with exact_convolutions():
                self._scoring.score(reference, generated)
            self.frames += len(batch)

    def seconds(self) -> list[float]:
        """What each model took for its frames."""
        return [stream.seconds for stream in self._streams]
