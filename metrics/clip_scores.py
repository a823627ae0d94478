"""One clip of several models through all metrics at once: each frame is seen once, what is true is read once."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from lia_bench.metrics.best_start import start_pose_gap
from lia_bench.metrics.extractors.extractor import POINTS
from lia_bench.metrics.features import (
    FeatureFile,
    FeatureStream,
    Rows,
    cached_features,
    reference_stream,
)
from lia_bench.metrics.frame_metric import FrameMetric
from lia_bench.metrics.motion.face_regions import masked
from lia_bench.metrics.specification import Compares, Protocol, Score
from lia_bench.metrics.suite import LoadedExtractor, Suite, SuiteMetric


@dataclass(frozen=True)
class ClipResult:
    """What is known of a model on one clip: a score a column, or the reason why there are none."""

    scores: dict[str, Score]
    problem: str | None


@dataclass(frozen=True)
class ClipTruth:
    """What the frames of a clip are held against.

    Attributes:
        key: what the clip's features are cached by: the SHA-256 of its file, and what was done to its frames.
        frames: how many the clip has.
        frame_by_frame: whether every generated frame has a true frame; else another person's frame drove it.
        source: (3, H, W) in [0, 1], the frame that identity is compared with; None compares it with the true frames.
        start: (3, H, W) in [0, 1], the driving frame that relative transfer begins from; None is the first.
        same_person: whether the true frames show who the generated ones are to show; else what compares pixels, or who
            is seen, says nothing.
        in_sets: whether the clip's frames are the true side of sets; else those of another clip are.
    """

    key: str
    frames: int
    frame_by_frame: bool
    source: Tensor | None
    start: Tensor | None = None
    in_sets: bool = True
    same_person: bool = True


_Reading: TypeAlias = "tuple[_ModelScoring, LoadedExtractor, futures.Future[Rows], futures.Future[Rows] | None]"
"""A model, an extractor, and what it will say of the model's frames and of the true ones."""
_Pictures: TypeAlias = "tuple[_ModelScoring, Tensor, Tensor]"
"""A model, its frames and the true ones."""


RELATIVE = "relative"
"""Begins the names of transfer modes that give the source what changed since the first driving frame."""

_Metered: TypeAlias = tuple[SuiteMetric, FrameMetric]


class ClipScoring:
    """Takes the frames of one clip a batch at a time; memory does not grow with the clip's length."""

    def __init__(
        self,
        suite: Suite,
        truth: ClipTruth,
        transfers: Sequence[str],
        feature_file: Callable[[int, LoadedExtractor], FeatureFile],
    ) -> None:
        """Open the metrics.

        Args:
            suite: which.
            truth: what frames are held against.
            transfers: of every model the mode that it transfers motion in; empty where nobody knows.
            feature_file: says where a model's features are kept, for metrics of sets.
        """
        self._suite = suite
        self._animated, self._begun_from = truth.source, truth.start
        self._start_pose_gap: float | None = None
        self._at_work: list[futures.Future[Any]] = []
        self._readings: list[_Reading] = []
        self._pictures: list[_Pictures] = []
        self._of_truth: dict[LoadedExtractor, futures.Future[Rows]] = {}
        size = (suite.setting.height, suite.setting.width)
        of_sets = [metric for metric in suite.metrics if metric.specification.compares is Compares.SETS]
        by_frame = [metric for metric in suite.metrics if metric not in of_sets]
        with_source = [metric for metric in by_frame if truth.source is not None and metric.specification.of_identity]
        with_truth = [
            metric
            for metric in by_frame
            if (truth.frame_by_frame or metric.specification.of_motion) and metric not in with_source
        ]
        if not truth.same_person:
            with_truth = [metric for metric in with_truth if not _of_pixels_or_person(metric)]
        of_features = [metric for metric in with_truth if metric.specification.compares is Compares.FEATURES]
        in_sets = _extractors(of_sets)
        extractors = list(dict.fromkeys([*in_sets, *_extractors([*with_source, *of_features])]))
        self._truth = {
            extractor: reference_stream(extractor, cached_features(extractor, *size, truth.key), truth.frames)
            for extractor in dict.fromkeys([*(in_sets if truth.in_sets else ()), *_extractors(with_truth)])
        }
        self._source = (
            {}
            if truth.source is None
            else {
                extractor: extractor.extract(eight_bits(truth.source[None])) for extractor in _extractors(with_source)
            }
        )
        self._models = [
            _ModelScoring(
                {
                    extractor: FeatureStream(
                        extractor, feature_file(number, extractor) if extractor in in_sets else None, truth.frames
                    )
                    for extractor in extractors
                },
                [(metric, _meter(metric, transfer)) for metric in with_truth],
                [(metric, _meter(metric, transfer)) for metric in with_source],
            )
            for number, transfer in enumerate(transfers)
        ]

    def update(self, reference: Tensor, generated: Sequence[Tensor]) -> None:
        """Begin to score the next frames: (B, 3, H, W) in [0, 1], those of the clip and those of every model.

        The caller may get further frames meanwhile.
        """
        frames = eight_bits(reference)
        if self._animated is not None:
            start = reference[0] if self._begun_from is None else self._begun_from
            both = (eight_bits(frame.to(reference.device)) for frame in (self._animated, start))
            self._start_pose_gap = start_pose_gap(_extractors(self._suite.metrics), *both)
            self._animated = None
        quantise = _truncated if self._suite.setting.protocol is Protocol.LITERATURE else eight_bits
        sound = [(model, images) for model, images in zip(self._models, generated, strict=True) if model.takes(images)]
        pictures = [(model, quantise(images)) for model, images in sound if model.streams]
        self._wait()
        truth = {extractor: partial(stream.push, frames) for extractor, stream in self._truth.items()}
        own = [
            (model, extractor, partial(stream.push, picture))
            for model, picture in pictures
            for extractor, stream in model.streams.items()
        ]
        scoring = [partial(meter.update, images, reference) for model, images in sound for meter in model.of_images]
        begun = self._start([*truth.values(), *(read for _, _, read in own), *scoring])
        in_order = iter(begun)
        self._of_truth = {extractor: next(in_order) for extractor in truth}
        self._readings = [
            (model, extractor, next(in_order), self._of_truth.get(extractor)) for model, extractor, _ in own
        ]
        self._pictures = [(model, images, reference) for model, images in sound if model.of_regions]
        self._at_work = begun

    def score(self, reference: Tensor, generated: Sequence[Tensor]) -> None:
        """As `update`, and until all frames so far are scored."""
        self.update(reference, generated)
        self._wait()

    def _start(self, jobs: Sequence[Callable[[], Any]]) -> list[futures.Future[Any]]:
        """Begin all jobs at once, on as many threads as torch has."""
        # Operations on single frames are small: a second thread on one of them waits more than it works.
        share = max(1, self._suite.threads // max(1, len(jobs)))

        def do(job: Callable[[], Any]) -> Any:
            torch.set_num_threads(share)
            return job()

        return [self._suite.workers.submit(do, job) for job in jobs]

    def _wait(self) -> None:
        """Until all frames so far are scored."""
        for future in self._at_work:
            future.result()
        readings, self._readings, self._at_work = self._readings, [], []
        pictures, self._pictures = self._pictures, []
        for model, images, reference in pictures:
            model.compare_regions(images, reference, self._of_truth)
        for model, extractor, features, truth in readings:
            model.compare(extractor, features.result(), truth.result() if truth else None, self._source.get(extractor))

    def finish(self) -> list[ClipResult]:
        """The clip is over: every model's scores."""
        self._wait()
        for stream in self._truth.values():
            stream.finish()
        return [model.finish() for model in self._models]

    @property
    def start_pose_gap(self) -> float | None:
        """Of the source and the first driving frame; None without a source, and where it is unknown."""
        return self._start_pose_gap

    def abandon(self) -> None:
        """The clip cannot be finished: leave no file behind."""
        futures.wait(self._at_work)
        for stream in (*self._truth.values(), *(stream for model in self._models for stream in model.streams.values())):
            stream.abandon()


def exact_convolutions() -> AbstractContextManager[None]:
    """On GPUs, convolutions in full single precision; TF32, the default, is too coarse for the third digit of SSIM."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


class _ModelScoring:
    def __init__(
        self,
        streams: dict[LoadedExtractor, FeatureStream],
        with_truth: Sequence[_Metered],
        with_source: Sequence[_Metered],
    ) -> None:
        self.streams = streams
        self._with_truth = with_truth
        self._with_source = with_source
        self.of_images = [meter for metric, meter in with_truth if metric.extractor is None]
        self.of_regions = [
            (metric.extractor, metric.specification.region, meter)
            for metric, meter in with_truth
            if metric.specification.compares is Compares.REGIONS and metric.extractor is not None
        ]
        self._frames = 0
        self._broken = 0

    def takes(self, images: Tensor) -> bool:
        """Count the next images; whether they and all before them are numbers."""
        self._frames += len(images)
        self._broken += int((~images.isfinite().flatten(1).all(dim=1)).sum())
        if self._frames == len(images):
            for meter in self.of_images:
                meter.to(images.device)
        return not self._broken

    def compare_regions(
        self, images: Tensor, reference: Tensor, truth: Mapping[LoadedExtractor, futures.Future[Rows]]
    ) -> None:
        """Hold the next images against the regions of the true ones, in which `truth` sees faces."""
        for extractor, region, meter in self.of_regions:
            points = extractor.specification.part(truth[extractor].result(), POINTS)
            meter.update(images, masked(reference, points, region))

    def compare(self, extractor: LoadedExtractor, features: Rows, truth: Rows | None, source: Rows | None) -> None:
        """Hold features of the next frames against those of the true frames, and against that of the source."""
        for metrics, theirs in ((self._with_truth, truth), (self._with_source, source)):
            for metric, meter in metrics:
                compares_features = metric.specification.compares is Compares.FEATURES
                if compares_features and metric.extractor is extractor and theirs is not None:
                    mine, true = (
                        torch.from_numpy(extractor.specification.part(rows, metric.specification.part))
                        for rows in (features, theirs)
                    )
                    meter.update(mine, true.repeat_interleave(len(mine) // len(true), dim=0))

    def finish(self) -> ClipResult:
        if self._broken:
            for stream in self.streams.values():
                stream.abandon()
            return ClipResult({}, f"{self._broken} of {self._frames} frames hold values that are no numbers")
        for stream in self.streams.values():
            stream.finish()
        return ClipResult(
            {metric.column: _score(meter) for metric, meter in (*self._with_truth, *self._with_source)}, None
        )


def _meter(metric: SuiteMetric, transfer: str) -> FrameMetric:
    meter = metric.make()
    if not isinstance(meter, FrameMetric):
        raise TypeError(f"{metric.specification.name}: a metric of images or features has to be a FrameMetric")
    meter.since_first = transfer.startswith(RELATIVE)
    # A clip is one process's alone.
    meter.distributed_available_fn = lambda: False
    return meter


def _score(meter: FrameMetric) -> Score:
    value = float(meter.compute())
    return Score(
        value if math.isfinite(value) else None,
        float(meter.weight),
        int(meter.valid_frames),
        int(meter.missing_frames),
    )


def _of_pixels_or_person(metric: SuiteMetric) -> bool:
    specification = metric.specification
    return specification.compares is not Compares.FEATURES or specification.of_person or specification.of_identity


def _extractors(metrics: Sequence[SuiteMetric]) -> list[LoadedExtractor]:
    return list(dict.fromkeys(metric.extractor for metric in metrics if metric.extractor is not None))


def eight_bits(images: Tensor) -> Tensor:
    """uint8, rounded: what a video that is written and read again holds."""
    return images.clamp(0, 1).mul(255).round().to(torch.uint8)


def _truncated(images: Tensor) -> Tensor:
    """uint8, cut off: the published scripts' pictures."""
    return images.clamp(0, 1).mul(255).to(torch.uint8)
