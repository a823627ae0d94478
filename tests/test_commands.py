"""The commands as functions: their options are those of the command line, and what they return are plain objects."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest

import lia_bench
from lia_bench.animation.request import AnimationRequest
from lia_bench.cli.animate import command as animate_command
from lia_bench.cli.evaluate import command as evaluate_command
from lia_bench.cli.score import command as score_command
from lia_bench.cli.train import command as train_command
from lia_bench.core.errors import InputError, UnknownNameError
from lia_bench.core.video import write_png_folder
from lia_bench.leaderboards.evaluation.request import EvaluationRequest, ScoreRequest
from lia_bench.models.training.hardware import Hardware
from lia_bench.models.training.planned_run import TrainingRequest
from tests.animation.toys import grey_frames
from tests.leaderboards.toy_results import ToyResults, write_results

COMMANDS: tuple[tuple[Callable[..., Any], click.Command, tuple[type, ...], dict[str, str]], ...] = (
    (
        lia_bench.animate,
        animate_command,
        (AnimationRequest,),
        {
            **{"picture": "source", "video": "driving", "model": "models"},
            **{"no_crop": "crop", "edits": "edit", "compiled": "compile"},
        },
    ),
    (
        lia_bench.train,
        train_command,
        (TrainingRequest, Hardware),
        {"data": "data_folder", "compiled": "compile"}
        | dict.fromkeys(("config", "settings", "donor", "donor_of_all"), "layers"),
    ),
    (lia_bench.evaluate, evaluate_command, (EvaluationRequest,), {}),
    (lia_bench.score, score_command, (ScoreRequest,), {}),
)
"""Each function, its command, what both fill, and what the two call otherwise."""

HEAVY = ("torch", "numpy", "pandas", "av", "PIL", "pydantic", "click", "rich", "yaml")

NOT_OPTIONS = {"say", "axes", "shard", "suffix", "variant", "hardware"}
"""How lines are told is a matter of Python; sweeps are the command's, and parts of the model's name."""


@pytest.mark.parametrize(("function", "command", "requests", "names"), COMMANDS)
def test_function_command_and_request_have_the_same_options(
    function: Callable[..., Any], command: click.Command, requests: tuple[type, ...], names: dict[str, str]
) -> None:
    parameters = inspect.signature(function).parameters
    of_function = {names.get(name, name) for name in parameters} - NOT_OPTIONS
    of_command = {names.get(name, name) for option in command.params if (name := option.name)} - NOT_OPTIONS
    of_requests = {field.name for request in requests for field in fields(request)} - NOT_OPTIONS
    # The command takes one MODEL as well.
    assert of_command - {"model"} == of_function - {"model"} == of_requests - {"model"}


@pytest.mark.parametrize(("function", "command", "requests", "names"), COMMANDS)
def test_function_command_and_request_have_the_same_defaults(
    function: Callable[..., Any], command: click.Command, requests: tuple[type, ...], names: dict[str, str]
) -> None:
    by_request = {field.name: field.default for request in requests for field in fields(request)}
    context = click.Context(command)
    by_command = {option.name: option.get_default(context) for option in command.params}
    compared = 0
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty:
            continue
        wanted = by_request.get(names.get(name, name), MISSING)
        if wanted is not MISSING and names.get(name) != "layers":
            assert str(parameter.default) == str(wanted), name
            compared += 1
        usual = by_command.get(name)
        # Where the command line says nothing, the command leaves it to the request.
        if isinstance(usual, str | int | float | Path) and name not in names:
            assert str(usual) == re.sub(r"[() ]", "", str(parameter.default)), name
    assert compared >= 9


def test_results_are_frames_of_pandas(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "toy", ToyResults(clips=4, tasks=("reconstruction",), frames=2))
    for read in (folder, tmp_path, str(folder)):
        results = lia_bench.read_results(read)
        table, clips = results.table(), results.clips()
        assert results.folders == (folder,)
        assert (table["clips"] == 4).all()
        assert len(clips) == 4 * len(table)
        means = clips.groupby("model")["l1"].mean()
        assert table.set_index("model")["l1"].to_dict() == pytest.approx(means.to_dict(), rel=1e-4)
        assert all(pd.api.types.is_numeric_dtype(table[name]) for name in ("l1", "l1_low", "l1_frames", "fps"))
    with pytest.raises(InputError, match="nothing"):
        lia_bench.read_results(tmp_path / "nothing")


def test_scores_of_other_videos_are_results(tmp_path: Path) -> None:
    for kind, level in (("mine", 110), ("true", 100)):
        for clip in ("a", "b"):
            write_png_folder(tmp_path / kind / clip, grey_frames([level, level]))
    said: list[str] = []
    (tmp_path / "mine" / "a").rename(tmp_path / "mine" / "c")
    results = lia_bench.score(
        tmp_path / "mine", tmp_path / "true", metrics="l1", results=tmp_path / "results", device="cpu", say=said.append
    )
    (row,) = results.table().to_dict("records")
    assert row["l1"] == pytest.approx(10 / 255)
    assert (row["model"], row["clips"]) == ("mine", 1)
    assert len(results.failures) == 2
    assert f"left out: {results.failures[0]}" in said


def test_an_option_of_a_dataset_is_checked_as_the_command_line_checks_it(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'min_frame'.*did you mean 'min_frames'"):
        lia_bench.preprocess("folder", tmp_path, min_frame=3)
    with pytest.raises(InputError, match=r"preprocess folder: .*--test-share.*range"):
        lia_bench.preprocess("folder", tmp_path, test_share=2)
    with pytest.raises(UnknownNameError, match="did you mean 'folder'"):
        lia_bench.preprocess("foldr", tmp_path)
    with pytest.raises(InputError, match="does not count with --whole-frames"):
        lia_bench.preprocess("folder", tmp_path, whole_frames=True, fit=False)


def test_a_checkpoint_is_not_trained() -> None:
    with pytest.raises(InputError, match="train takes no checkpoint"):
        lia_bench.train("lia@somewhere", "sample")


def test_importing_the_package_imports_nothing_heavy() -> None:
    program = f"import sys, lia_bench; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"
