"""Names to things, our own and other packages'."""

import dataclasses
from importlib.metadata import EntryPoint

import pytest

import lia_bench.models
from lia_bench.core.errors import LiaBenchError, UnknownNameError
from lia_bench.core.registry import FolderRegistry, load_attribute
from lia_bench.models.identity import SPECIFICATION
from lia_bench.models.specification import ModelSpecification

THEIRS = dataclasses.replace(SPECIFICATION, name="theirs")
SEVERAL = (THEIRS,)


def registry() -> FolderRegistry[ModelSpecification]:
    return FolderRegistry("model", ModelSpecification, lia_bench.models, "SPECIFICATION", "lia_bench.models")


def plug_in(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    point = EntryPoint(name, value, "lia_bench.models")
    monkeypatch.setattr("lia_bench.core.registry.entry_points", lambda group: [point])


def test_own_models_are_found_by_folder() -> None:
    assert registry()["identity"] is SPECIFICATION


def test_typo_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'identiti': did you mean 'identity'"):
        registry()["identiti"]


def test_entry_point_adds_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "theirs", f"{__name__}:THEIRS")
    assert registry()["theirs"] is THEIRS


def test_entry_point_by_another_name_than_its_model_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "ours", f"{__name__}:THEIRS")
    with pytest.raises(LiaBenchError, match="registers the model 'theirs' by the name 'ours'"):
        registry()["theirs"]


def test_name_taken_twice_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "identity", "lia_bench.models.identity:SPECIFICATION")
    with pytest.raises(LiaBenchError, match="'identity' is registered twice"):
        registry()["identity"]


def test_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, "theirs", "no_such_package.at_all:SPECIFICATION")
    with pytest.raises(LiaBenchError, match=r"'theirs'.*no_such_package"):
        registry()["theirs"]


def test_plug_in_that_names_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # As our own modules list theirs: a tuple, where an entry point names one.
    plug_in(monkeypatch, "theirs", f"{__name__}:SEVERAL")
    with pytest.raises(LiaBenchError, match=r"'theirs' a tuple: let its entry point name one ModelSpecification"):
        registry()["theirs"]


def test_reference_that_leads_nowhere_names_the_package_to_mend() -> None:
    with pytest.raises(LiaBenchError, match=r"'theirs\.network:Network' cannot be loaded: .*the package theirs"):
        load_attribute("theirs.network:Network")
