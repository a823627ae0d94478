"""A package from outside, installed and used like anybody's: CONTRIBUTING.md shows its files."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "plugin"
COMMAND = Path(sys.executable).with_name("lia-bench")

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
def run(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command line in a folder of its own that already holds sample clips; gives what it printed."""
    folder = tmp_path_factory.mktemp("work")
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "LIA_BENCH_HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }

    def run(words: str) -> str:
        done = subprocess.run(
            [COMMAND, *words.split()], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("preprocess sample --identities 8 --frames 4 --workers 1")
    return run


def test_what_it_registers_is_listed(run: Run) -> None:
    assert "blends source and driving frame by one learned share" in run("models list")
    assert "lia-bench train theirs" in run("models show theirs")
    assert "difference of the frames' mean colours" in run("metrics list")
    assert "clips of faces, whole pictures" in run("datasets list")


def test_its_dataset_and_its_model_go_the_way_of_ours(run: Run, tmp_path: Path) -> None:
    run("preprocess theirs --footage data/sample-64 --workers 1")
    assert "8 clips are as they were prepared" in run("datasets verify data/theirs-64 --workers 1")
    here = "--dataset theirs-64"
    run(f"train theirs {here} --set data.workers=0 --set data.batch_size=2")
    run(f"train lia:demo-64 {here} --set data.workers=0 --set data.batch_size=2 --set schedule.iterations=2")
    results = tmp_path / "results"
    printed = run(
        f"evaluate --models theirs,lia {here} --metrics colour,akd,l1 --no-videos --results {results} --name both"
    )
    assert "colour ↓" in printed
    # It says that its clips show faces: what akd means is clear, and only its weights are missing.
    assert "to get them: lia-bench weights fetch 2dfan4 s3fd" in printed
    with (results / "both" / "leaderboard.csv").open(encoding="utf-8") as file:
        table = csv.DictReader(file)
        rows = {(row["model"], row["task"]): row for row in table}
        columns = list(table.fieldnames or ())
    assert {model for model, _ in rows} == {"theirs", "lia", "identity"}
    assert columns[columns.index("frames") + 1 :][:3] == ["l1", "akd", "colour"]
    ours, floor = rows["theirs", "reconstruction"], rows["identity", "reconstruction"]
    for metric in ("l1", "colour"):
        assert float(ours[metric]) < float(floor[metric])
    assert ours["variant"] == "demo-64"
    assert ours["colour_low"] <= ours["colour"] <= ours["colour_high"]
