"""A sweep: runs of one model that differ in some settings, as an ablation needs them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Self

import torch

from lia_bench.core.configuration import merge, parse_yaml
from lia_bench.core.documents import write_document
from lia_bench.core.errors import InputError
from lia_bench.models.training.configuration import nested
from lia_bench.models.training.planned_run import PlannedRun, TrainingRequest, plan
from lia_bench.models.training.runs import SWEEP_SUFFIX, SweepList, SweepRun, read_sweep

UNFIT = re.compile(r"[^\w.=-]+")
"""What a run's name does not hold."""


@dataclass(frozen=True)
class Axis:
    """A setting and the values it takes in turn."""

    key: str
    values: tuple[Any, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a text such as 'model.motion_dim=5,10,null'; each value is read as YAML.

        Raises:
            InputError: another form, an empty value, or the same value twice.
        """
        key, equals, listed = text.partition("=")
        try:
            values = parse_yaml(f"[{listed}]")
        except ValueError as error:
            raise InputError(f"--sweep {text}: the values are not readable: {error}") from error
        if not equals or not key.strip() or not values:
            raise InputError(f"--sweep {text}: write it as section.key=value,value,...")
        named = [_text(value) for value in values]
        if len(set(named)) < len(named):
            raise InputError(f"--sweep {text}: a value is there twice")
        return cls(key.strip(), tuple(values))


@dataclass(frozen=True)
class Variation:
    """One run's place in a sweep: the settings that are its own."""

    settings: Mapping[str, Any]

    @property
    def suffix(self) -> str:
        """What its run's name ends with: '+model.motion_dim=5+loss.l1=0'; no comma, which parts names elsewhere."""
        parts = (f"{key}={_text(value)}" for key, value in self.settings.items())
        return "".join(f"+{UNFIT.sub('_', part)}" for part in parts)

    def layer(self) -> dict[str, Any]:
        """The settings as the trainer takes them, nested."""
        return merge(*(nested(key, value) for key, value in self.settings.items()))

    def words(self) -> list[str]:
        """The settings as they are typed: --set KEY=VALUE ..., values in JSON, which YAML contains."""
        return [word for key, value in self.settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]


@dataclass(frozen=True)
class Sweep:
    """The runs of a sweep, each checked and not begun, and where the list of them lies."""

    axes: tuple[Axis, ...]
    variations: tuple[Variation, ...]
    runs: tuple[PlannedRun, ...]

    @property
    def file(self) -> Path:
        """`runs/<model>/<name>+<keys>.sweep.json`."""
        folder = self.runs[0].folder.path
        name = folder.name.removesuffix(self.variations[0].suffix)
        keys = "".join(f"+{axis.key}" for axis in self.axes)
        return folder.with_name(f"{name}{keys}{SWEEP_SUFFIX}")

    def share(self, number: int, count: int) -> list[tuple[Variation, PlannedRun]]:
        """What job `number` of `count`, from 1, trains."""
        return list(zip(self.variations, self.runs, strict=True))[number - 1 :: count]

    def write(self) -> None:
        """Write the list of runs, to those that earlier starts of the sweep with other values have left there.

        Every job of an array writes the same whole list.
        """
        runs = {run.name: run for run in read_sweep(self.file).runs} if self.file.is_file() else {}
        for variation, run in zip(self.variations, self.runs, strict=True):
            name = run.folder.path.name
            runs[name] = SweepRun(name=name, settings=dict(variation.settings))
        write_document(self.file, SweepList(model=self.runs[0].specification.name, runs=tuple(runs.values())))


def plan_sweep(request: TrainingRequest, axes: Sequence[Axis]) -> Sweep:
    """Every combination of the axes' values as a run; nothing is written, and every check of every run is made.

    Raises:
        InputError: a key is swept twice, two runs would have one name, or the request is for one run that goes on
            or for processes that others have started; see `plan` for the rest.
    """
    if request.resume:
        raise InputError("--resume: a sweep goes on by the same command again: leave --resume out")
    if request.hardware.nodes > 1 or torch.distributed.is_torchelastic_launched():
        raise InputError(
            "--sweep starts each run's processes itself, on one machine: leave out --nodes and torchrun, and give an "
            "array of jobs its shares by --shard"
        )
    keys = [axis.key for axis in axes]
    if len(set(keys)) < len(keys):
        raise InputError(f"--sweep: one of {', '.join(keys)} is given twice: list its values in one")
    combinations = product(*(axis.values for axis in axes))
    variations = tuple(Variation(dict(zip(keys, values, strict=True))) for values in combinations)
    runs = tuple(plan(_request(request, variation)) for variation in variations)
    names = [run.folder.path for run in runs]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise InputError(f"--sweep: two runs would be called {name.name}: sweep them apart, each with a --name")
    return Sweep(tuple(axes), variations, runs)


def _request(request: TrainingRequest, variation: Variation) -> TrainingRequest:
    return replace(request, layers=(*request.layers, variation.layer()), suffix=variation.suffix)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
