"""A model whose result shows what it was given, and films with sound."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.configuration import Section
from lia_bench.core.video.reader import Frame
from lia_bench.models.animator import Animator
from lia_bench.models.specification import MODELS, ModelSpecification
from lia_bench.models.training.configuration import ModelConfiguration


class ShiftModel(Section):
    """The side it takes, and the batch that is too large for its GPU."""

    size: int = 32
    too_large: int = 1000


class ShiftConfiguration(ModelConfiguration):
    """No training."""

    model: ShiftModel = ShiftModel()


class LargeConfiguration(ModelConfiguration):
    """Of another side."""

    model: ShiftModel = ShiftModel(size=48)


class ThirstyConfiguration(ModelConfiguration):
    """Needs more memory than there is for three frames."""

    model: ShiftModel = ShiftModel(too_large=3)


class Shift(Animator):
    """The source, brighter by what the driving frame is brighter than the first one (relative) or than 0 (absolute)."""

    def __init__(self, configuration: ShiftModel) -> None:
        super().__init__()
        self.marker = nn.Parameter(torch.zeros(1))
        self.configuration = configuration

    @property
    def frame_size(self) -> int:
        return self.configuration.size

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return source if transfer == "absolute" else source - first_driving.mean()

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        if len(driving) >= self.configuration.too_large:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return encoded + driving.mean(dim=(1, 2, 3), keepdim=True)


class ShiftByViews(Shift):
    """The source, brighter by the driving frame; with references, those in its place on average."""

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute",)
    takes_references: ClassVar[bool] = True

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return references.mean(dim=0, keepdim=True)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the models shift, shift-large, shift-thirsty and shift-by-views for one test."""
    for name, kind, configuration in (
        ("shift", Shift, "ShiftConfiguration"),
        ("shift-large", Shift, "LargeConfiguration"),
        ("shift-thirsty", Shift, "ThirstyConfiguration"),
        ("shift-by-views", ShiftByViews, "ShiftConfiguration"),
    ):
        specification = ModelSpecification(
            name=name,
            summary="a toy",
            animator=f"{__name__}:{kind.__name__}",
            configuration=f"{__name__}:{configuration}",
            variants=None,
            default_variant="",
            transfer_modes=kind.transfer_modes,
        )
        monkeypatch.setitem(MODELS._load(), name, specification)


def grey_frames(levels: Sequence[int], width: int = 64, height: int = 48) -> list[Frame]:
    """Frames of one grey each."""
    return [np.full((height, width, 3), level, np.uint8) for level in levels]


def write_film(
    path: Path,
    frames: Sequence[Frame],
    rate: Fraction = Fraction(25),
    sound: np.ndarray | None = None,
    codec: str = "aac",
    samples_per_second: int = 16000,
) -> Path:
    """An H.264 film; `sound`: (channels, samples) float32 in [-1, 1]."""
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream("libx264", rate=rate)
        pictures.height, pictures.width = frames[0].shape[:2]
        pictures.pix_fmt = "yuv420p"
        pictures.options = {"crf": "10", "bf": "0"}
        layout = "mono" if sound is None or len(sound) == 1 else "stereo"
        heard: Any = container.add_stream(codec, rate=samples_per_second, layout=layout) if sound is not None else None
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = index, 1 / Fraction(rate)
            container.mux(pictures.encode(picture))
        container.mux(pictures.encode(None))
        if sound is not None:
            samples = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
            samples.rate, samples.pts, samples.time_base = samples_per_second, 0, Fraction(1, samples_per_second)
            resampler = av.AudioResampler(heard.format, layout, samples_per_second, heard.frame_size or 1024)
            for piece in [*resampler.resample(samples), *resampler.resample(None)]:
                container.mux(heard.encode(piece))
            container.mux(heard.encode(None))
    return path


SAMPLES = 48000


def decoded_sound(path: Path) -> tuple[np.ndarray, int]:
    """A film's sound in one channel and its samples a second, 48000; a first sample later than 0 is led by zeros."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.audio
        resampler = av.AudioResampler("fltp", "mono", SAMPLES)
        frames = list(container.decode(stream))
        start = frames[0].time or 0.0
        pieces = [piece.to_ndarray()[0] for frame in frames for piece in resampler.resample(frame)]
        return np.concatenate([np.zeros(round(start * SAMPLES)), *pieces]), SAMPLES
