"""Fixtures that all tests share."""

import gc
import itertools
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.browser import browser as browser
from tests.forked import fork_server as fork_server

# The clock of a loaded machine says nothing, and no folder of examples is left in the tree.
settings.register_profile(
    "lia-bench", deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lia-bench")

# Compiling what face-alignment asks for takes many times as long as running it on the few points of a test.
os.environ["NUMBA_DISABLE_JIT"] = "1"

GOLDEN = Path(__file__).parent / "golden"
HOMES = itertools.count()


def golden(name: str) -> dict[str, Any]:
    """A golden file of tests/golden."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return content


def pytest_configure() -> None:
    """Let Ctrl-C reach what is started here: a shell has what it runs behind ignore it, which is inherited."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each of several processes, which take equal parts of the list, begin with modules that have slow tests.

    What is left at the end, and shared out anew, is short then: no process waits for another's longest test.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    slow = {path: sum(item.get_closest_marker("slow") is not None for item in own) for path, own in modules.items()}
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    counts = [0] * processes
    for path in sorted((path for path in modules if slow[path]), key=lambda path: -slow[path]):
        least = counts.index(min(counts))
        counts[least] += slow[path]
        parts[least] += modules[path]
    quick = [item for path, own in modules.items() if not slow[path] for item in own]
    share = len(items) // processes
    for part in parts:
        room = max(0, share - len(part))
        part += quick[:room]
        del quick[:room]
    items[:] = [item for part in parts for item in part] + quick


def pytest_collection_finish() -> None:
    """Leave what is there by now out of every later collection of garbage: training collects before each run."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Numbers that a test or its fixtures draw without a seed of their own are the same in any order of tests."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_to_look_through() -> Iterator[None]:
    """Leave out what a module leaves behind, too: a collection that goes through it all takes half a second."""
    yield
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let what was left out be cleared away, as libraries ask for at the end."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real footage and clips that LIA_BENCH_TEST_DATA names; without it the test is skipped."""
    folder = os.environ.get("LIA_BENCH_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("LIA_BENCH_TEST_DATA names no folder of real footage")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _home_of_fixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No fixture that several tests share sees or fills the user's weights cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIA_BENCH_HOME", str(tmp_path_factory.getbasetemp() / "home"))
        yield


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or fills the weights cache of the user or of another test."""
    monkeypatch.setenv("LIA_BENCH_HOME", str(tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))))
