"""A package from outside, installed and used like anybody's: CONTRIBUTING.md shows its files."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.forked import ForkServer

PACKAGE = Path(__file__).parents[1] / "plugin"

pytestmark = pytest.mark.slow

Run = Callable[[str], str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed the package into."""
    work = tmp_path_factory.mktemp("plugin")
    # A copy, since a build leaves files beside the sources.
    shutil.copytree(PACKAGE, work / "source")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    from_source = ["--no-deps", "--no-build-isolation", "--target", str(work / "installed"), str(work / "source")]
    subprocess.run([*install, *from_source], check=True)
    return work / "installed"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in; third-party weights are kept in its home/weights."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def run(fork_server: ForkServer, installed: Path, work: Path) -> Run:
    """Runs a command line in the folder, which already holds sample clips; gives what it printed."""
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "LIA_BENCH_HOME": str(work / "home"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }

    def run(words: str) -> str:
        return fork_server.run(words.split(), environment=environment, folder=work)

    run("preprocess sample --identities 8 --frames 4 --workers 1")
    return run


def test_what_it_registers_is_listed(run: Run) -> None:
    assert "blends source and driving frame by one learned share" in run("models list")
    assert "lia-bench train theirs" in run("models show theirs")
    metrics = run("metrics list")
    assert "difference of the frames' mean colours" in metrics
    assert "distance between means of eight filters" in metrics
    assert "https://example.org/theirs_texture.pth" in run("weights list theirs-texture")
    assert "clips of faces, whole pictures" in run("datasets list")


def test_its_dataset_its_model_and_its_metrics_go_the_way_of_ours(run: Run, work: Path, tmp_path: Path) -> None:
    run("preprocess theirs --footage data/sample-64 --workers 1")
    assert "8 clips are as they were prepared" in run("datasets verify data/theirs-64 --workers 1")
    here = "--dataset theirs-64"
    run(f"train theirs {here} --set data.workers=0 --set data.batch_size=2 --set loss.colour=0.5 --name two-terms")
    assert "colour" in (work / "runs" / "theirs" / "two-terms" / "metrics.csv").read_text().splitlines()[0].split(",")
    run(f"train lia:demo-64 {here} --set data.workers=0 --set data.batch_size=2 --set schedule.iterations=2")
    (work / "home" / "weights").mkdir(parents=True, exist_ok=True)
    torch.save(nn.Conv2d(3, 8, 3).state_dict(), work / "home" / "weights" / "theirs_texture.pth")
    results = tmp_path / "results"
    metrics = "--metrics colour,texture,akd,l1"
    printed = run(f"evaluate --models theirs,lia {here} {metrics} --no-videos --results {results} --name both")
    assert "colour ↓" in printed
    # It says that its clips show faces: what akd means is clear, and only its weights are missing.
    assert "to get them: lia-bench weights fetch 2dfan4 s3fd" in printed
    with (results / "both" / "leaderboard.csv").open(encoding="utf-8") as file:
        table = csv.DictReader(file)
        rows = {(row["model"], row["task"]): row for row in table}
        columns = list(table.fieldnames or ())
    assert {model for model, _ in rows} == {"theirs", "lia", "identity"}
    assert columns[columns.index("frames") + 1 :][:4] == ["l1", "akd", "colour", "texture"]
    ours, floor = rows["theirs", "reconstruction"], rows["identity", "reconstruction"]
    for metric in ("l1", "colour", "texture"):
        assert float(ours[metric]) < float(floor[metric])
    assert ours["variant"] == "demo-64"
    assert ours["colour_low"] <= ours["colour"] <= ours["colour_high"]
