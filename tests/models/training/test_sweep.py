"""Sweeps: what is typed, what runs are called, and the names that papers have for settings."""

import json
from pathlib import Path

import pytest

from lia_bench.core.configuration import parse_settings
from lia_bench.core.errors import InputError
from lia_bench.models.lia.configuration import LiaConfiguration
from lia_bench.models.training.configuration import with_own_keys
from lia_bench.models.training.run_folder import run_folder
from lia_bench.models.training.runs import runs_of_sweep
from lia_bench.models.training.sweep import Axis, Variation


def test_values_are_read_as_yaml() -> None:
    assert Axis.parse("a.b=5,null,true,[1, 2],word").values == (5, None, True, [1, 2], "word")


@pytest.mark.parametrize("text", ["a.b", "a.b=", "=1", "a.b=[1", "a.b=1,1"])
def test_what_is_no_sweep(text: str) -> None:
    with pytest.raises(InputError, match="--sweep"):
        Axis.parse(text)


def test_a_run_is_called_by_its_settings_and_typed_as_they_are() -> None:
    variation = Variation({"model.size": 64, "data.scale": [0.5, 1.0], "data.dataset": "data/my clips"})
    assert variation.suffix == "+model.size=64+data.scale=_0.5_1.0_+data.dataset=data_my_clips"
    assert run_folder(Path("runs"), "lia", f"x{variation.suffix}").path.parent == Path("runs/lia")
    assert parse_settings(variation.words()[1::2]) == variation.layer()


def test_names_of_the_paper_become_keys_and_the_rest_stays() -> None:
    layer = {"motion": {"directions": 5, "other": 1}, "model": {"size": 64}, "loss": {"l1": 0}}
    renamed = with_own_keys(LiaConfiguration, layer)
    assert renamed == {"motion": {"other": 1}, "model": {"size": 64, "motion_dim": 5}, "loss": {"l1": 0}}
    assert with_own_keys(LiaConfiguration, {"motion": 3}) == {"motion": 3}
    assert layer["motion"] == {"directions": 5, "other": 1}


def test_a_damaged_list_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "x.sweep.json"
    deep = "[" * 100_000 + "]" * 100_000
    for content in ("{", "[]", deep, json.dumps({"model": "lia", "runs": [{}]})):
        path.write_text(content)
        with pytest.raises(InputError, match=r"x\.sweep\.json: not readable as a sweep"):
            runs_of_sweep(path)


def test_a_list_of_runs_without_a_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.sweep.json"
    run = {"name": "x+motion.directions=5", "settings": {"motion.directions": 5}}
    path.write_text(json.dumps({"model": "lia", "runs": [run]}))
    assert runs_of_sweep(path) == ("lia", [tmp_path / "x+motion.directions=5"])
