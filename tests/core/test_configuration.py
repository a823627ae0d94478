"""Typed configuration: layers, unknown keys, and values from the command line."""

from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import Field

from lia_bench.core.configuration import Section, merge, parse_settings, read_yaml, validate
from lia_bench.core.errors import InputError, UnknownNameError


class Loss(Section):
    perceptual: float = Field(10.0, ge=0)
    adversarial: float = 1.0


class Experiment(Section):
    loss: Loss = Loss()
    name: str = "x"


def test_settings_become_nested_typed_values() -> None:
    assert parse_settings(["loss.perceptual=5", "name=long run", "a.b.c=[1, 2]"]) == {
        "loss": {"perceptual": 5},
        "name": "long run",
        "a": {"b": {"c": [1, 2]}},
    }


@pytest.mark.parametrize(
    "setting",
    [
        "loss.perceptual",
        "=3",
        "loss.perceptual=[1",
        f"loss.perceptual={'9' * 400}",
        f"loss.perceptual={'9' * 5000}",
        f"loss.perceptual={'[' * 50_000}",
        "loss.perceptual=1.0e+300",
        "loss.perceptual=[1, {a: -1.0e+300}]",
    ],
)
def test_unreadable_setting_is_named(setting: str) -> None:
    with pytest.raises(InputError, match="--set") as caught:
        parse_settings([setting])
    assert len(str(caught.value)) < 300


def test_a_list_of_lists_of_the_same_lists_is_read_within_moments(tmp_path: Path) -> None:
    names = "abcdefghijklmnopqrst"
    lines = [f"{name}: &{name} [{', '.join(9 * [f'*{before}'])}]" for before, name in pairwise(names)]
    (tmp_path / "bomb.yaml").write_text("\n".join(["a: &a [1]", *lines]))
    assert read_yaml(tmp_path / "bomb.yaml")["a"] == [1]


def test_later_layers_win_key_by_key() -> None:
    merged = merge({"loss": {"perceptual": 1, "adversarial": 2}}, {"loss": {"perceptual": 3}})
    assert merged == {"loss": {"perceptual": 3, "adversarial": 2}}


def test_unknown_key_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"lia:demo.*'loss.perceptul'.*'loss.perceptual'"):
        validate(Experiment, {"loss": {"perceptul": 5}}, "lia:demo")


class Background(Section):
    blocks: int = 5


class Model(Section):
    size: int = 64
    background: Background | None = None


class Whole(Section):
    model: Model = Model()
    loss: Loss = Loss()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("los.perceptual=1", "'los': did you mean 'loss'"),
        ("perceptual=1", "'perceptual': did you mean 'loss.perceptual'"),
        ("model.background.bloks=1", "'model.background.bloks': did you mean 'model.background.blocks'"),
        ("model.background.width=1", "'model.background.width': there are: model.background.blocks"),
        ("model.bg=1", "'model.bg': there are: model.background, model.size"),
        ("motion.direction=1", "'motion.direction': did you mean 'motion.directions'"),
    ],
)
def test_near_names_are_suggested_at_every_level(setting: str, said: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"^lia: unknown key {said}"):
        validate(Whole, parse_settings([setting]), "lia", ["motion.directions"])


def test_wrong_value_names_its_key() -> None:
    with pytest.raises(InputError, match=r"loss.perceptual: .*greater than or equal to 0"):
        validate(Experiment, {"loss": {"perceptual": -1}}, "lia:demo")


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n"])
def test_bad_yaml_file_is_one_line_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"variant\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)
