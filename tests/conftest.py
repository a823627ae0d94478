"""Fixtures that all tests share."""

import gc
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from lia_bench.core.memory import freed_memory_kept
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
MEMORY = Path("/dev/shm")
ROOM = 8 * 2**30
"""Bytes, several times what the tests' files take at once."""
PROGRAMS = ("browser", "fork_server")
"""Fixtures that start a program for all the tests of a process."""
MEMORY_OF_A_PROCESS = 6 * 2**30
"""Bytes, what the tests of the largest models take, with the servers beside them."""


def golden(name: str) -> dict[str, Any]:
    """A golden file of tests/golden."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return content


def pytest_configure() -> None:
    """Let temporary files be in memory, and Ctrl-C reach what is started here.

    Thousands of small files that are gone a moment later make a disk the slowest part; TMPDIR names another place. A
    shell has what it runs behind ignore Ctrl-C, which is inherited.
    """
    if "TMPDIR" not in os.environ and _memory_has_room():
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _memory_has_room() -> bool:
    """Whether there is a file system in memory for as much, from which programs can be started as well."""
    if sys.platform != "linux" or not MEMORY.is_dir():
        return False
    return shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, where memory holds them: tests wait for servers, pages and kills."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return cores + (memory >= (cores + 1) * MEMORY_OF_A_PROCESS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each of several processes, which take equal parts of the list, begin with modules that have slow tests.

    What is left at the end, and shared out anew, is short then: no process waits for another's longest test. Modules
    that need a program beside them are in one part, so that it is started once.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    groups: dict[Path | str, list[pytest.Item]] = {}
    programs = {item.path: name for item in items for name in PROGRAMS if name in getattr(item, "fixturenames", ())}
    for item in items:
        groups.setdefault(programs.get(item.path, item.path), []).append(item)
    slow = {key: sum(item.get_closest_marker("slow") is not None for item in own) for key, own in groups.items()}
    parts: list[list[pytest.Item]] = [[] for _ in range(processes)]
    counts = [0] * processes
    for key in sorted((key for key in groups if slow[key]), key=lambda key: -slow[key]):
        least = counts.index(min(counts))
        counts[least] += slow[key]
        parts[least] += groups[key]
    quick = [item for key, own in groups.items() if not slow[key] for item in own]
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
def _memory_of_modules() -> Iterator[None]:
    """Keep the memory that a module frees until it ends: the system would clear its pages anew for each use.

    What it leaves behind is left out of later collections, too: one that goes through it all takes half a second.
    """
    with freed_memory_kept():
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
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees or fills the weights cache of the user or of another test."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))
    monkeypatch.setenv("LIA_BENCH_HOME", str(home))
    yield
    shutil.rmtree(home, ignore_errors=True)
