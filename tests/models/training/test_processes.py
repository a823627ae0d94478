"""Runs as processes of their own: several devices, kills, and a disk that is really full."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lia_bench.models.checkpoint import load_training_state, read_own_checkpoint
from lia_bench.models.training.run_folder import RunFolder
from tests.forked import COMMAND, ForkedProcess, ForkServer
from tests.models.training.test_trainer import assert_same_state, rows
from tests.models.training.toy.network import HOLD
from tests.models.training.toy.world import environment
from tests.ports import next_port

pytestmark = pytest.mark.slow


class Runner:
    """`lia-bench train toy`, or of another model, in a process of its own."""

    def __init__(self, server: ForkServer, plug_in: Path, data: Path, runs: Path, model: str = "toy") -> None:
        self._server = server
        self._environment = environment(plug_in)
        self._options = ["--data", str(data), "--runs", str(runs)]
        self._runs = runs
        self._model = model
        self._held: list[Path] = []

    def folder(self, name: str) -> RunFolder:
        return RunFolder(self._runs / self._model.partition(":")[0] / name)

    def _command(self, name: str, words: tuple[str, ...]) -> list[str]:
        return ["train", self._model, "--name", name, *self._options, *words]

    def start(self, name: str, *words: str, hold: int = 0) -> ForkedProcess:
        """`hold`: the iteration, of those that the process makes, in which it waits for `let_go`."""
        own = {"MASTER_PORT": str(next_port())}
        if hold:
            self._held.append(self._runs / f"go-on-{len(self._held)}")
            own[HOLD] = f"{hold} {self._held[-1]}"
        return self._server.start(self._command(name, words), environment=self._environment | own)

    def let_go(self) -> None:
        """Of the process that was the last to be started with `hold`."""
        self._held[-1].touch()

    def finish_afresh(self, name: str, *words: str) -> RunFolder:
        """In a process that is started and taken down as a user's."""
        command = [COMMAND, *self._command(name, words)]
        own = self._environment | {"MASTER_PORT": str(next_port())}
        done = subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.folder(name)

    def finish(self, name: str, *words: str) -> RunFolder:
        process = self.start(name, *words)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, output + errors
        return self.folder(name)


@pytest.fixture
def runner(fork_server: ForkServer, plug_in: Path, data: Path, tmp_path: Path) -> Runner:
    return Runner(fork_server, plug_in, data, tmp_path / "runs")


def wait_for_step(run: RunFolder, step: int) -> None:
    deadline = time.monotonic() + 300
    while run.last_step() < step:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def terminate(runner: Runner, name: str, step: int, *words: str, whole_group: bool = False) -> None:
    """Start a run, and end it in the iteration after a step as a scheduler does.

    Signals go to the process that it started, or to all of the job.
    """
    process = runner.start(name, *words, hold=step + 1)
    wait_for_step(runner.folder(name), step)
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGTERM)
    runner.let_go()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 75, errors
    assert errors.splitlines()[-1].startswith("terminated: the state is saved")


def test_two_processes_equal_one_with_the_whole_batch_and_go_on_after_sigterm(runner: Runner) -> None:
    # Later than this, rounding has grown.
    length = ("--set", "schedule.iterations=30", "--set", "schedule.checkpoint_every=1")
    plain = ("--set", "model.batch_norm=false", "--set", "loss.noise=0", *length)
    several = ("--accelerator", "cpu", "--devices", "2")
    one = runner.finish("one", *plain)
    two = runner.finish_afresh("two", *plain, *several)
    first, second = one.last(), two.last()
    assert first
    assert second
    weights, others = read_own_checkpoint(first).state, read_own_checkpoint(second).state
    for name, value in weights.items():
        torch.testing.assert_close(value, others[name], rtol=0, atol=1e-5, msg=name)
    discriminator, other = (load_training_state(folder)["networks"]["discriminator"] for folder in (first, second))
    torch.testing.assert_close(discriminator, other, rtol=0, atol=1e-5)
    for row, same in zip(rows(one), rows(two), strict=True):
        assert float(row["l1"]) == pytest.approx(float(same["l1"]), abs=1e-4)
    terminate(runner, "stopped", 1, *plain, *several)
    assert runner.folder("stopped").last_step() == 2
    assert_same_state(two, runner.finish("stopped", *plain, *several))


def test_two_processes_and_parts_of_a_batch_give_lia_the_gradients_of_the_whole_batch(
    fork_server: ForkServer, plug_in: Path, data: Path, tmp_path: Path
) -> None:
    """Of generator and discriminator, whose deviation over the minibatch looks across rows."""
    runner = Runner(fork_server, plug_in, data, tmp_path / "runs", "lia:demo-64")
    small = ("model.channel_limit=16", "model.style_dim=16", "model.motion_dim=5", "loss.adversarial=1")
    setting = ("data.batch_size=8", "data.repeats=2", "schedule.iterations=1")
    common = ("--dataset", "stripes", *(word for value in (*small, *setting) for word in ("--set", value)))
    several = ("--accelerator", "cpu", "--devices", "2")
    one, two = runner.finish("one", *common), runner.finish("two", *common, *several)
    parts = runner.finish("parts", *common, "--set", "data.accumulate=2")
    # Adam's first average is the gradient, up to a factor.
    expected = first_averages(one)
    for run in (two, parts):
        for name, averages in first_averages(run).items():
            for key, value in averages.items():
                error = float((value - expected[name][key]).norm() / (expected[name][key].norm() + 1e-8))
                assert error < 1e-3, f"{run.path.name} {name} {key}: {error}"


def first_averages(run: RunFolder) -> dict[str, dict[int, torch.Tensor]]:
    last = run.last()
    assert last
    optimisers = load_training_state(last)["optimisers"]
    assert optimisers.keys() == {"generator", "discriminator"}
    return {
        name: {key: values["exp_avg"] for key, values in optimiser["state"].items()}
        for name, optimiser in optimisers.items()
    }


def test_terminated_and_then_killed_it_goes_on_exactly(runner: Runner) -> None:
    length = ("--set", "schedule.iterations=80", "--set", "data.workers=1")
    whole = runner.finish("whole", *length)
    terminate(runner, "stopped", 20, *length, whole_group=True)
    assert runner.folder("stopped").last_step() == 21
    process = runner.start("stopped", *length, hold=30)
    wait_for_step(runner.folder("stopped"), 50)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert runner.folder("stopped").last_step() == 50
    assert_same_state(whole, runner.finish("stopped", *length))


@pytest.mark.parametrize("devices", [1, 2])
def test_ctrl_c_ends_with_130_and_one_line(runner: Runner, devices: int) -> None:
    process = runner.start(
        "stopped",
        "--set",
        "schedule.iterations=1000000",
        "--set",
        "data.workers=1",
        "--accelerator",
        "cpu",
        "--devices",
        str(devices),
    )
    wait_for_step(runner.folder("stopped"), 10)
    # As a terminal does: to every process of the group.
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    steps = runner.folder("stopped").last_step()
    assert f"stopped after {steps:,} of 1,000,000 iterations, which are saved" in output
    assert "Traceback" not in errors
    assert "interrupted" in errors.splitlines()[-1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root can mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_with_one_line_and_the_checkpoint_before(
    fork_server: ForkServer, plug_in: Path, data: Path, small_disk: Path
) -> None:
    runner = Runner(fork_server, plug_in, data, small_disk)
    runner.finish("x", "--set", "schedule.iterations=10")
    ballast = small_disk / "ballast"
    room = os.statvfs(small_disk)
    # Enough for a row of the table, too little for a checkpoint.
    ballast.write_bytes(b"0" * ((room.f_bavail - 4) * room.f_frsize))
    process = runner.start("x", "--set", "schedule.iterations=20", "--set", "schedule.picture_every=1000")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert runner.folder("x").last_step() == 10
    read_own_checkpoint(runner.folder("x").checkpoint(10))
    load_training_state(runner.folder("x").checkpoint(10))
    assert errors.splitlines()[-1].startswith("error: ")
    assert "00000020: the checkpoint cannot be written" in errors
    assert "the one of step 10 is intact" in errors
    ballast.unlink()
    assert runner.finish("x", "--set", "schedule.iterations=20").last_step() == 20


def test_a_second_training_in_a_run_folder_says_who_holds_it_and_changes_nothing(runner: Runner) -> None:
    length = ("--set", "schedule.iterations=30")
    whole = runner.finish("whole", *length)
    first = runner.start("run", *length, hold=11)
    wait_for_step(runner.folder("run"), 10)
    second = runner.start("run", *length)
    _, errors = second.communicate(timeout=300)
    runner.let_go()
    _, of_first = first.communicate(timeout=300)
    assert second.returncode == 1, errors
    (line,) = (line for line in errors.splitlines() if line.startswith("error:"))
    assert f"process {first.pid} on {socket.gethostname()} is at work here: another training is writing" in line
    assert first.returncode == 0, of_first
    assert_same_state(whole, runner.folder("run"))
    assert runner.folder("run").metrics.read_text().count("\n") == whole.metrics.read_text().count("\n")
    assert not list(runner.folder("run").path.glob("*.holder"))
