"""A tiny dataset and tiny models to evaluate."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lia_bench.core.configuration import Section
from lia_bench.core.video import write_png_folder
from lia_bench.models.animator import Animator
from lia_bench.models.checkpoint import save_checkpoint
from lia_bench.models.specification import MODELS, ModelSpecification
from lia_bench.models.training.configuration import ModelConfiguration
from lia_bench.models.training.run_folder import RunDescription, RunFolder, TrainingData

LENGTHS = {"ann#1": 3, "ann#2": 7, "bob#1": 5, "cyd#1": 9}
SIZE = 16


def write_dataset(folder: Path, lengths: dict[str, int] = LENGTHS, size: int = SIZE) -> Path:
    """Clips of smooth noise that drifts, as png folders in `folder`/test."""
    random = np.random.default_rng(7)
    for name, frames in lengths.items():
        first, last = random.uniform(0, 255, (2, size, size, 3))
        steps = np.linspace(0, 1, frames)
        clip = [np.rint(first + (last - first) * step / 2).astype(np.uint8) for step in steps]
        write_png_folder(folder / "test" / name, clip)
    return folder


class ToyModel(Section):
    """The side it takes, 0 for any, and what it renders in its 13th frame and later."""

    size: int = 0
    accident: str = ""


class ToyConfiguration(ModelConfiguration):
    """No training."""

    model: ToyModel = ToyModel()


class Toy(Animator):
    """The driving frame, darker by a learned factor; it may meet an accident."""

    def __init__(self, configuration: ToyModel) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.configuration = configuration
        self.rendered = 0

    @property
    def frame_size(self) -> int | None:
        return self.configuration.size or None

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return source if transfer == "absolute" else source - first_driving

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        self.rendered += len(driving)
        if self.rendered > 13:
            if self.configuration.accident == "interrupt":
                raise KeyboardInterrupt
            if self.configuration.accident == "break":
                raise RuntimeError("out of memory\nsecond line")
            if self.configuration.accident == "kill":
                os._exit(9)
            if self.configuration.accident == "nan":
                return torch.full_like(driving, torch.nan)
        return driving * self.gain


def specification(name: str, *, recipe: str | None = None, configuration: str = "ToyConfiguration") -> Any:
    """An entry of the model registry for the toy."""
    return ModelSpecification(
        name=name,
        summary="a toy",
        animator=f"{__name__}:Toy",
        configuration=f"{__name__}:{configuration}",
        variants=None,
        default_variant="",
        recipe=recipe,
    )


class InterruptConfiguration(ToyConfiguration):
    """Ctrl-C."""

    model: ToyModel = ToyModel(accident="interrupt")


class BreakConfiguration(ToyConfiguration):
    """An error of the model's own."""

    model: ToyModel = ToyModel(accident="break")


class KillConfiguration(ToyConfiguration):
    """The process dies at once."""

    model: ToyModel = ToyModel(accident="kill")


class NotANumberConfiguration(ToyConfiguration):
    """Divides by zero somewhere."""

    model: ToyModel = ToyModel(accident="nan")


class LargeConfiguration(ToyConfiguration):
    """Takes frames of 32 pixels."""

    model: ToyModel = ToyModel(size=32)


class SmallConfiguration(ToyConfiguration):
    """Takes frames of 24 pixels."""

    model: ToyModel = ToyModel(size=24)


def add(name: str, item: ModelSpecification) -> None:
    """Register a model for good (in a process of its own)."""
    MODELS._load()[name] = item


def register(monkeypatch: pytest.MonkeyPatch, **items: ModelSpecification) -> None:
    """Register models for one test."""
    for name, item in items.items():
        monkeypatch.setitem(MODELS._load(), name, item)


def write_run(runs: Path, model: str, name: str, gain: float, dataset_name: str) -> Path:
    """A training run of the toy; returns its last checkpoint."""
    run = RunFolder(runs / model / name)
    data = TrainingData(name=dataset_name, folder="", hash="")
    run.begin(RunDescription(model=model, variant="", dataset=data, started="", sessions=()), {})
    toy = Toy(ToyModel())
    with torch.no_grad():
        toy.gain.fill_(gain)
    experiment: Any = ToyConfiguration()
    save_checkpoint(
        run.checkpoint(1), model=model, variant="", experiment=experiment, animator=toy, step=1, training={}
    )
    run.record(1, gain)
    return run.checkpoint(1)
