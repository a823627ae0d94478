"""Tiny extractors and the metrics that rest on them: the brightest pixel, and means of colours."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.metrics.extractors.extractor import EXTRACTORS, ExtractorSetting, ExtractorSpecification
from lia_bench.metrics.feature_distance import CoordinateDifference, MissingRate
from lia_bench.metrics.frechet_metric import FrechetMetric
from lia_bench.metrics.registry import METRICS
from lia_bench.metrics.specification import Compares, MetricSpecification, Protocol

CALLS: list[int] = []
"""Frames that the extractors have looked at, call by call."""


class Brightest:
    """One point: the brightest pixel; none in a frame of one colour."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Works in every setting."""

    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        CALLS.append(len(frames))
        brightness = frames.double().sum(dim=1).numpy()
        points = np.array([np.unravel_index(frame.argmax(), frame.shape)[::-1] for frame in brightness])
        plain = np.array([frame.min() == frame.max() for frame in brightness])
        return np.where(plain[:, None, None], np.nan, points[:, None]).astype(np.float32)


class Colours:
    """The mean colour of a frame, or of a window of frames."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Works in every setting."""

    def __call__(self, frames: Tensor) -> NDArray[np.float32]:
        CALLS.append(len(frames))
        mean: NDArray[np.float32] = frames.float().mean(dim=(-2, -1)).reshape(len(frames), -1, 3).mean(dim=1).numpy()
        return mean


def _extractor(name: str, shape: tuple[int, ...], kind: str, window: int = 1) -> ExtractorSpecification:
    return ExtractorSpecification(name, "a toy", (), shape, f"{__name__}:{kind}", window)


def _metric(name: str, open_: Any, compares: Compares, extractor: str, **fields: Any) -> MetricSpecification:
    return MetricSpecification(name, name, (), "a toy", "lower", 3, open_, compares, extractor, **fields)


def register_toy_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make toy_akd, toy_mkr, toy_fid, toy_video_fid and toy_identity known for one test."""
    CALLS.clear()
    by_frames = {"averaging": {Protocol.LITERATURE: "frames", Protocol.STRICT: "clips"}}
    for extractor in (
        _extractor("toy-point", (1, 2), "Brightest"),
        _extractor("toy-colour", (3,), "Colours"),
        _extractor("toy-window", (3,), "Colours", window=4),
    ):
        monkeypatch.setitem(EXTRACTORS._load(), extractor.name, extractor)
    for metric in (
        _metric("toy_akd", lambda setting: CoordinateDifference, Compares.FEATURES, "toy-point", **by_frames),
        _metric("toy_mkr", lambda setting: MissingRate, Compares.FEATURES, "toy-point", **by_frames),
        _metric("toy_identity", lambda setting: _ColourDistance, Compares.FEATURES, "toy-colour", of_identity=True),
        _metric("toy_fid", lambda setting: lambda: FrechetMetric(3), Compares.SETS, "toy-colour"),
        _metric("toy_video_fid", lambda setting: lambda: FrechetMetric(3), Compares.SETS, "toy-window"),
    ):
        monkeypatch.setitem(METRICS._load(), metric.name, metric)


class _ColourDistance(CoordinateDifference):
    """Mean difference of colours."""

    def score(self, generated: Tensor, reference: Tensor) -> Tensor:
        return (generated.double() - reference.double()).abs().mean(dim=1)
