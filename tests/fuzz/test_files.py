"""Damaged files of every kind: one line, and never another number. What happened is told again by its seed:

python -m benchmarks.fuzz --seed 1234 --cases 1
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.fuzz.laboratory import Laboratory
from tests.fuzz.options import BASES, option_case, parameters
from tests.fuzz.targets import TARGETS, Command
from tests.fuzz.trials import without_a_world
from tests.fuzz.world import build_world

pytestmark = pytest.mark.slow

BLOCK = 25
FILES = range(0, 275, BLOCK)
OPTIONS = range(0, 225, BLOCK)
"""First seeds of blocks."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole files of every kind."""
    here, folder = Path.cwd(), tmp_path_factory.mktemp("world")
    try:
        build_world(folder, os.chdir)
    finally:
        os.chdir(here)
    return folder


@pytest.fixture(scope="session")
def whole_numbers() -> dict[tuple[Command, str], dict[str, str]]:
    """What commands made of whole files, once for all tests."""
    return {}


@pytest.fixture
def laboratory(
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whole_numbers: dict[tuple[Command, str], dict[str, str]],
) -> Iterator[Laboratory]:
    """Where cases are tried, one thread wide: networks this small run slower on several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with without_a_world():
        yield Laboratory(world, tmp_path, monkeypatch.chdir, whole_numbers)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("first", FILES)
def test_damaged_files(first: int, laboratory: Laboratory) -> None:
    verdicts = [laboratory.try_file(laboratory.file_case(seed)) for seed in range(first, first + BLOCK)]
    assert not [str(verdict) for verdict in verdicts if verdict.is_fault]


@pytest.mark.parametrize("first", OPTIONS)
def test_wrong_values_of_options(first: int, laboratory: Laboratory) -> None:
    verdicts = [laboratory.try_option(option_case(seed)) for seed in range(first, first + BLOCK)]
    assert not [str(verdict) for verdict in verdicts if verdict.is_fault]


def test_seeds_reach_every_kind_of_file_and_most_commands(laboratory: Laboratory) -> None:
    kinds = Counter(laboratory.file_case(seed).target.kind for seed in range(FILES.stop))
    assert kinds.keys() == {target.kind for target in TARGETS}
    assert len({option_case(seed).command for seed in range(OPTIONS.stop)}) > len(BASES) * 0.8
    assert len(parameters()) > 250


def test_whole_files_are_taken(laboratory: Laboratory) -> None:
    held = {command: target for target in TARGETS for command in target.commands if command.held}
    for command, target in held.items():
        ending = laboratory.whole(target, target.files[0], command)
        assert ending.code == 0, f"{command.words}: {ending.said}"
