"""Processes that have torch imported before they start: a server imports it once, and forks one for each command.

A forked process is one of its own: with a session, an environment, a folder and streams of its own, for every signal.
What a test says about imports, or about how a process starts or is taken down, needs a fresh one.
"""

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

LIA_BENCH = "from lia_bench.__main__ import main; main()"
COMMAND = str(Path(sys.executable).with_name("lia-bench"))
MODULES = ("av", "lia_bench.cli.train", "lia_bench.cli.evaluate", "lia_bench.models.training.trainer", "torchmetrics")


class ForkedProcess:
    """A process that the server forked; its attributes and methods are those of `subprocess.Popen`.

    Attributes:
        pid: also the number of its session and of its group.
        returncode: the exit code, minus the signal that ended it, or None while it runs.
    """

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._folder = folder

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        code = self._folder / "code"
        if self.returncode is None and code.exists():
            self.returncode = int(code.read_text())
        return self.returncode

    def wait(self, timeout: float = 300) -> int:
        """The exit code, once it ends; TimeoutExpired after `timeout` seconds."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.002)
        return code

    def communicate(self, timeout: float = 300) -> tuple[str, str]:
        """What it wrote to its output and its errors, once it ends."""
        self.wait(timeout)
        output, errors = ((self._folder / name).read_text(encoding="utf-8") for name in ("output", "errors"))
        return output, errors

    def send_signal(self, how: signal.Signals) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, how)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)


class ForkServer:
    """The server's client, in the process of the tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        root = str(Path(__file__).parents[1])
        self._server = subprocess.Popen(
            [sys.executable, "-c", "from tests.forked import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root},
            start_new_session=True,
        )

    def start(
        self, words: list[str], program: str = "", environment: Mapping[str, str] = os.environ, folder: Path = Path()
    ) -> ForkedProcess:
        """Start `lia-bench` with `words`, or the text of a Python program with `words` behind it.

        Args:
            words: of the command line.
            program: instead of `lia-bench`.
            environment: all of its variables; PYTHONPATH counts, what is read where Python or torch start does not.
            folder: to work in.
        """
        self._count += 1
        own = self._folder / str(self._count)
        own.mkdir(parents=True)
        request = {
            "arguments": ["-c" if program else COMMAND, *words],
            "program": program,
            "environment": dict(environment),
            "folder": str(folder.absolute()),
            "own": str(own),
        }
        _of(self._server.stdin).write(json.dumps(request) + "\n")
        _of(self._server.stdin).flush()
        return ForkedProcess(int(_of(self._server.stdout).readline()), own)

    def run(self, words: list[str], **how: Any) -> str:
        """What a process wrote to its output; it has to end well. See `start`."""
        process = self.start(words, **how)
        output, errors = process.communicate()
        assert process.returncode == 0, output + errors
        return output

    def close(self) -> None:
        """End the server."""
        _of(self._server.stdin).close()
        self._server.wait()
        _of(self._server.stdout).close()


def _of(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """One for all tests of this process."""
    server = ForkServer(tmp_path_factory.mktemp("forked"))
    yield server
    server.close()


def serve() -> None:
    """Import the libraries; then, for each line of the input, fork a process and print its number."""
    for name in MODULES:
        __import__(name)
    # A collection in a forked process would touch, and so copy, all pages that it shares.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        if not os.fork():
            _wait_for_child(json.loads(line))
        _reap(os.WNOHANG)
    _reap(0)
    os._exit(0)


def _wait_for_child(request: dict[str, Any]) -> NoReturn:
    """The process between the server and the one that was asked for: it writes down how that one ends."""
    child = os.fork()
    if not child:
        _become(request)
    _, status = os.waitpid(child, 0)
    code = Path(request["own"]) / "code"
    code.with_suffix(".new").write_text(str(os.waitstatus_to_exitcode(status)))
    code.with_suffix(".new").rename(code)
    os._exit(0)


def _reap(options: int) -> None:
    """Clear away those that waited for a process which has ended; without options wait for all."""
    try:
        while os.waitpid(-1, options) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _become(request: dict[str, Any]) -> NoReturn:
    """The process that was asked for, from its first line to its last."""
    os.setsid()
    print(os.getpid(), flush=True)
    streams = [os.open(os.devnull, os.O_RDONLY)]
    streams += [os.open(Path(request["own"]) / name, os.O_WRONLY | os.O_CREAT) for name in ("output", "errors")]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[:0] = filter(None, request["environment"].get("PYTHONPATH", "").split(os.pathsep))
    sys.argv[:] = request["arguments"]
    code = 0
    try:
        exec(compile(request["program"] or LIA_BENCH, "<program>", "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        code = 1
    # Without taking down the interpreter, which would copy all pages that are shared with the server.
    atexit._run_exitfuncs()
    for text in (sys.stdout, sys.stderr):
        text.flush()
    os._exit(code)
