"""One command line, run in this process and judged: nothing is started, asked of a network, or waited for."""

import contextlib
import errno
import io
import os
import resource
import signal
import socket
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn
from unittest.mock import patch
from weakref import WeakKeyDictionary

import lia_bench.cli.main as command_line
from lia_bench.core.video.reader import Frame
from lia_bench.leaderboards.study import server
from lia_bench.models.training.recipe import PairBatch
from lia_bench.models.training.step import Step, StepResult
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import DETECTORS, Detection
from lia_bench.preprocessing.workers.engine import LocalEngine
from lia_bench.preprocessing.workers.ray_cluster import RayEngine
from tests.preprocessing.serial_engine import SerialEngine

SECONDS = 240
"""What a command on damaged input may take at most."""
MEMORY = 6 * 2**30
"""What it may ask for beside what this process has."""
LOOPBACK = (None, "127.0.0.1", "localhost", "0.0.0.0")
STARTED = "was to be started"


class TookTooLong(BaseException):
    """Passes every handler of errors."""


@dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
        code: its exit code.
        printed, said: what stood on standard output and standard error.
        fault: what nobody should see of it ("traceback", "unexpected", "hang", "no reason"); empty where all is well.
        seconds: how long it took.
    """

    code: int
    printed: str
    said: str
    fault: str
    seconds: float

    @property
    def last_line(self) -> str:
        """Of what was said."""
        return (self.said.splitlines() or [""])[-1]


def run(words: Sequence[str]) -> Ending:
    """Run a command in the working directory, within `without_a_world`."""
    printed, said = io.StringIO(), io.StringIO()
    began = time.monotonic()
    fault = ""
    code = -1
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said), _threads_watched(said):
        try:
            with _limited():
                code = command_line.run(words, debug=False)
        except TookTooLong:
            fault = "hang"
            traceback.print_exc()
        except BaseException:
            fault = "traceback"
            traceback.print_exc()
    seconds = time.monotonic() - began
    text = printed.getvalue() + said.getvalue()
    if not fault and "Traceback (most recent call last)" in text:
        fault = "traceback"
    if not fault and STARTED in text:
        fault = "a process"
    if not fault and "error: unexpected" in text:
        fault = "unexpected"
    if not fault and code not in (0, command_line.INTERRUPTED) and not said.getvalue().strip():
        fault = "no reason"
    return Ending(code, printed.getvalue(), said.getvalue(), fault, seconds)


@contextlib.contextmanager
def without_a_world(steps: int = 4) -> Iterator[None]:
    """Inside, commands work in this process alone.

    A study's server ends at once, a training after so many steps as by Ctrl-C, and there is no network.
    """
    taken: WeakKeyDictionary[Step, int] = WeakKeyDictionary()
    step = Step.__call__

    def stepped(self: Step, batch: PairBatch) -> StepResult:
        taken[self] = taken.get(self, 0) + 1
        if taken[self] > steps:
            raise KeyboardInterrupt
        return step(self, batch)

    with contextlib.ExitStack() as stack:
        for target, name, replacement in (
            (LocalEngine, "run", SerialEngine.run),
            (RayEngine, "run", SerialEngine.run),
            (BaseProcess, "start", _refused(f"a process {STARTED}")),
            (subprocess.Popen, "__init__", _refused(f"a program {STARTED}")),
            (socket, "getaddrinfo", _found),
            (socket.socket, "connect", _unreachable),
            (server, "Places", lambda served: setattr(served, "run", lambda: None)),
            (Step, "__call__", stepped),
        ):
            stack.enter_context(patch.object(target, name, replacement))
        finder = replace(DETECTORS["mediapipe"], build=f"{__name__}:Middle")
        stack.enter_context(patch.dict(DETECTORS._load(), mediapipe=finder))
        yield


class Middle:
    """A detector that finds a face in the middle of every frame."""

    def __init__(self, device: str) -> None:
        """`device` is no matter."""

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """See `Detector`."""
        height, width = frames[0].shape[:2]
        middle = Detection(Box(width // 4, height // 4, 3 * width // 4, 3 * height // 4), 0.9)
        return [[middle] for _ in frames]


def _refused(reason: str) -> Callable[..., NoReturn]:
    def refuse(*arguments: object, **more: object) -> NoReturn:
        raise OSError(errno.ENOSYS, reason)

    return refuse


def _found(host: str | None, *arguments: Any, **more: Any) -> Any:
    return _getaddrinfo(host, *arguments, **more) if host in LOOPBACK else _unreachable()


_getaddrinfo = socket.getaddrinfo


def _unreachable(*arguments: object, **more: object) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Seconds by the clock and memory are bounded; a timer that somebody else has set goes on afterwards."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise TookTooLong

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, end)
    theirs, _ = signal.setitimer(signal.ITIMER_REAL, SECONDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if theirs:
            signal.setitimer(signal.ITIMER_REAL, max(theirs - (time.monotonic() - began), 0.001))


def _address_space() -> int:
    """Of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _threads_watched(said: io.StringIO) -> Iterator[None]:
    """Errors that end a thread are said as Python does."""

    def note(error: threading.ExceptHookArgs) -> None:
        traceback.print_exception(error.exc_value, file=said)

    with patch.object(threading, "excepthook", note):
        yield
