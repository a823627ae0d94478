"""The toy model, registered, and its data set."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lia_bench.models.specification import MODELS
from tests.models.training.toy.world import write_plug_in, write_stripes


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small run slower on several threads, and much slower on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def plug_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plug-in")
    write_plug_in(folder)
    return folder


@pytest.fixture
def _toy(plug_in: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(plug_in))
    monkeypatch.setattr(MODELS, "_items", None)
    yield
    monkeypatch.setattr(MODELS, "_items", None)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the dataset `stripes`."""
    folder = tmp_path_factory.mktemp("data")
    write_stripes(folder / "stripes")
    return folder
