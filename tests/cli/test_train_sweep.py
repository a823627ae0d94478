"""`lia-bench train --sweep` and what comes of it: `evaluate` over a sweep, `leaderboard --by`."""

import csv
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from lia_bench.cli import train_sweep
from lia_bench.cli.main import run
from lia_bench.core.video import write_png_folder
from lia_bench.models.training.run_folder import RunFolder
from tests.forked import ForkServer

NAME = "demo-64-toys"
TINY = [
    "train",
    "lia:demo-64",
    "--dataset",
    "toys",
    "--accelerator",
    "cpu",
    "--set",
    "schedule.iterations=2",
    "--set",
    "data.batch_size=2",
    "--set",
    "data.workers=0",
    "--set",
    "model.channel_base=256",
    "--set",
    "model.channel_limit=8",
    "--set",
    "model.style_dim=32",
]
DIRECTIONS = ["--sweep", "motion.directions=3,null"]


class InThisProcess:
    """Runs the command of a sweep's run here, where all libraries are imported."""

    def __init__(self, words: list[str]) -> None:
        assert words[1:3] == ["-m", "lia_bench"]
        self.words = words[3:]

    def wait(self) -> int:
        return run(self.words, debug=False)


@pytest.fixture
def _toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with clips of drifting noise."""
    random = np.random.default_rng(7)
    for clip in ("train/ann#0", "train/bob#0", "train/cyd#0", "test/dan#0", "test/eve#0"):
        first, last = random.uniform(0, 255, (2, 64, 64, 3))
        pictures = [np.rint(first + (last - first) * step / 8).astype(np.uint8) for step in range(4)]
        write_png_folder(tmp_path / "data" / "toys" / clip, pictures)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _quick(_toys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_sweep, "Popen", InThisProcess)


def failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a failing command ends with."""
    assert run(words, debug=False) == 1
    return capsys.readouterr().err.splitlines()[-1]


def steps() -> dict[str, int]:
    """Iterations done, by the run's name without what all share."""
    folders = (path for path in Path("runs/lia").iterdir() if path.is_dir())
    return {path.name.removeprefix(f"{NAME}+"): RunFolder(path).last_step() for path in folders}


@pytest.mark.usefixtures("_quick")
def test_a_sweep_from_training_to_the_table_of_the_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*TINY, *DIRECTIONS], debug=False) == 0
    assert steps() == {"motion.directions=3": 2, "motion.directions=null": 2}
    assert run([*TINY, *DIRECTIONS], debug=False) == 0
    printed = capsys.readouterr().out
    assert printed.count("is finished: skipped") == 2
    sweep = f"runs/lia/{NAME}+motion.directions.sweep.json"
    assert f"lia-bench evaluate --models lia@{sweep} --dataset data/toys" in printed

    words = f"evaluate --models lia@{sweep} --dataset toys --task reconstruction --metrics l1 --no-videos --device cpu"
    assert run(words.split(), debug=False) == 0
    (leaderboard,) = Path("results").glob("*/leaderboard.csv")
    rows = csv.DictReader(leaderboard.read_text().splitlines())
    measured = {row["checkpoint"].split("/")[2]: row["l1"] for row in rows if row["checkpoint"]}
    capsys.readouterr()

    assert run(["leaderboard", "--by", "motion.directions"], debug=False) == 0
    lines = capsys.readouterr().out.splitlines()
    mine, theirs = lines[: (cut := next(i for i, line in enumerate(lines) if "published:" in line))], lines[cut:]
    for value in ("3", "null"):
        row = next(position for position, line in enumerate(mine) if line.split()[:1] == [value])
        l1 = float(measured[f"{NAME}+motion.directions={value}"])
        assert float(mine[row].split()[1]) == pytest.approx(l1, abs=1e-4)
        low, _, high = mine[row + 1].split()
        assert float(low) <= l1 + 1e-4
        assert float(high) >= l1 - 1e-4
    assert any(line.startswith("identity: left out") for line in mine)
    assert ["100", "0.041", "0.12", "0.058", "0.18", "0.028", "0.11"] in [line.split() for line in theirs]
    assert ["null", "0.049", "0.165", "0.062", "0.186", "0.031", "0.12"] in [line.split() for line in theirs]
    assert run(["leaderboard", "--by", "model.motion_dim"], debug=False) == 0
    assert "published: LIA, ICLR 2022, table 5" in capsys.readouterr().out

    assert run(["leaderboard", "--by", "loss.l1"], debug=False) == 0
    other = capsys.readouterr().out
    assert "the rows differ in more than loss.l1: model.motion_dim" in other
    assert "published" not in other
    assert "did you mean 'motion.directions'" in failure(["leaderboard", "--by", "motion.direction"], capsys)


@pytest.mark.usefixtures("_quick")
def test_jobs_of_an_array_share_the_grid(capsys: pytest.CaptureFixture[str]) -> None:
    grid = [*TINY, "--sweep", "motion.directions=3,4", "--sweep", "schedule.seed=0,1", "--name", "mine"]
    assert run([*grid, "--shard", "2/2"], debug=False) == 0
    own = {"mine+motion.directions=3+schedule.seed=1": 2, "mine+motion.directions=4+schedule.seed=1": 2}
    assert steps() == own
    content = json.loads(Path("runs/lia/mine+motion.directions+schedule.seed.sweep.json").read_text())
    assert len(content["runs"]) == 4
    assert "sweep of 4 runs, 2 of them here" in capsys.readouterr().out
    assert run([*grid, "--shard", "3/2"], debug=False) == 2


@pytest.mark.usefixtures("_quick")
def test_a_run_that_fails_leaves_the_rest_be(capsys: pytest.CaptureFixture[str]) -> None:
    line = failure([*TINY, "--sweep", "optimiser.learning_rate=1e30,0.001"], capsys)
    assert f"1 of 2 runs failed, for the reasons above: {NAME}+optimiser.learning_rate=1e30" in line
    assert steps()["optimiser.learning_rate=0.001"] == 2
    sweep = f"lia@runs/lia/{NAME}+optimiser.learning_rate.sweep.json"
    words = f"evaluate --models {sweep} --dataset toys --task reconstruction --metrics l1 --no-videos --device cpu"
    assert run(words.split(), debug=False) == 0
    assert f"{NAME}+optimiser.learning_rate=1e30: left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--sweep", "motion.directions=5,5"], "a value is there twice"),
        (["--sweep", "motion.directions"], "write it as section.key=value,value"),
        (["--sweep", "motion.directions=5,-1"], "model.motion_dim"),
        (["--sweep", "motion.directions=5,64"], "has no 64 orthogonal directions"),
        (["--sweep", "loss.l3=0,1"], "did you mean 'loss.l1'"),
        (["--sweep", "loss.l1=0,1", "--sweep", "loss.l1=2"], "given twice"),
        (["--sweep", "loss.l1=0,1", "--resume"], "leave --resume out"),
        (["--sweep", "loss.l1=0,1", "--nodes", "2"], "--shard"),
        (["--shard", "1/2"], "--sweep"),
    ],
)
@pytest.mark.usefixtures("_quick")
def test_mistakes_are_one_line_before_anything_starts(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hint in failure([*TINY, *words], capsys)
    assert not Path("runs").exists() or "--shard" in words


@pytest.mark.slow
@pytest.mark.usefixtures("_toys")
def test_killed_and_started_again_a_sweep_does_what_is_left(fork_server: ForkServer) -> None:
    command = [*TINY, *DIRECTIONS]
    process = fork_server.start(command)
    first = RunFolder(Path("runs/lia") / f"{NAME}+motion.directions=3")
    deadline = time.monotonic() + 300
    while first.last_step() < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert first.last_step() == 2
    weights = [path.read_bytes() for path in first.path.glob("checkpoints/*/model.safetensors")]
    assert f"{first.path.name} is finished: skipped" in fork_server.run(command)
    assert steps() == {"motion.directions=3": 2, "motion.directions=null": 2}
    assert [path.read_bytes() for path in first.path.glob("checkpoints/*/model.safetensors")] == weights


@pytest.mark.slow
@pytest.mark.usefixtures("_toys")
def test_terminated_it_sends_the_signal_on_and_says_try_again(fork_server: ForkServer) -> None:
    endless = ["--set", "schedule.iterations=100000", "--set", "schedule.checkpoint_every=5"]
    process = fork_server.start([*TINY, *DIRECTIONS, *endless])
    first = Path("runs/lia") / f"{NAME}+motion.directions=3"
    deadline = time.monotonic() + 300
    while not RunFolder(first).last_step() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    assert process.wait() == 75
    assert 0 < RunFolder(first).last_step() < 100000
    assert not first.with_name(f"{NAME}+motion.directions=null").exists()
