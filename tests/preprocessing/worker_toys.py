"""Jobs for engines under test, in a module that worker processes can import."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from lia_bench.core.errors import InputError, MissingWeightsError

MEETING_SECONDS = 120


def square_and_process(job: int) -> tuple[int, int]:
    """The square, and who worked it out."""
    time.sleep(0.02)
    return job * job, os.getpid()


def build_square() -> Callable[[int], tuple[int, int]]:
    """Makes `square_and_process`."""
    return square_and_process


def meet(folder: Path, job: int) -> int:
    """Waits until another process has begun at least a third as many jobs as this one; returns who did the job."""
    own = folder / str(os.getpid())
    with own.open("ab") as file:
        file.write(b".")
    until = time.monotonic() + MEETING_SECONDS
    while not any(3 * other.stat().st_size >= own.stat().st_size for other in folder.iterdir() if other != own):
        if time.monotonic() > until:
            raise InputError(f"nobody else came in {MEETING_SECONDS} seconds")
        time.sleep(0.005)
    return os.getpid()


def build_meeting(folder: Path) -> Callable[[int], int]:
    """Makes `meet` in an empty folder. Two workers get to the end of every even number of jobs, whoever is quicker."""
    return partial(meet, folder)


def fragile(job: str) -> str:
    """Does what the job says to its own process."""
    if job == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if job == "exit":
        os._exit(3)
    if job == "segfault":
        ctypes.string_at(0)
    if job == "error":
        raise InputError("footage.mp4: a sentence for the user")
    if job == "full disk":
        raise OSError(28, "No space left on device", "clip.mp4")
    return job.upper()


def build_fragile() -> Callable[[str], str]:
    """Makes `fragile`."""
    return fragile


def build_without_weights() -> Callable[[str], str]:
    """Fails as a detector without weights does."""
    raise MissingWeightsError("the weights 'toy' are not on this machine")
