"""Ctrl-C and SIGTERM at any moment: one line, and the exit code that shells know."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECONDS = 120


def started(*words: str) -> "subprocess.Popen[str]":
    """`lia-bench` in a group of processes of its own, as a terminal starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "lia_bench", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def workers_of(process: "subprocess.Popen[str]") -> list[str]:
    """Ids of the processes that one has started."""
    try:
        return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []


def stopped(process: "subprocess.Popen[str]", how: signal.Signals) -> str:
    """Send a signal to all of a group; returns the last line that was said, without the bars of progress."""
    os.killpg(process.pid, how)
    try:
        _, said = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert "Traceback" not in said
    assert "Error" not in said
    return said.splitlines()[-1] if said else ""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the children of a process are listed by Linux alone")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_ctrl_c_while_workers_start_is_one_line(tmp_path: Path, workers: int) -> None:
    # So many that they are at work whenever this process comes to look.
    words = ("--identities", "400", "--frames", "25", "--workers", "3", "--output", str(tmp_path / "sample"))
    process = started("preprocess", "sample", *words)
    begun = time.monotonic()
    # The first one that a process of Python starts keeps account of the others.
    while len(workers_of(process)) <= workers and time.monotonic() - begun < SECONDS:
        assert process.poll() is None
        time.sleep(0.002)
    line = stopped(process, signal.SIGINT)
    assert line.endswith("interrupted: what was finished stays; run the same command again to go on")
    assert process.returncode == 130


def test_ctrl_c_while_the_program_is_loaded_is_one_line() -> None:
    script = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'lia_bench.core':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from lia_bench.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted: nothing was begun\n")


def test_sigterm_before_anything_was_done_says_so(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, lia_bench.cli.main as main\n"
        "main.cli.main = lambda **how: os.kill(os.getpid(), signal.SIGTERM)\n"
        "main.main(['metrics', 'list'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.stderr == "terminated: what was finished stays; run the same command again to go on\n"
    assert done.returncode == 143


def test_threads_of_libraries_abort_no_stopped_command() -> None:
    script = (
        "import atexit, threading, time, lia_bench.cli.main as main\n"
        "def stop(**how):\n"
        "    threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "    raise KeyboardInterrupt\n"
        "main.cli.main = stop\n"
        "atexit.register(print, 'left in order')\n"
        "main.main([])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 130
    assert done.stdout == "left in order\n"
    assert done.stderr.startswith("interrupted: ")
