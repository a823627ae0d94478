"""Processes beside this one: locks between them, and leaving a group of them in order.

The operating system frees a lock when its holder dies.
"""

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lia_bench.core.errors import InputError, LiaBenchError

LOCK = ".lock"
"""Name of the lock of a folder."""

POLL_SECONDS = 0.5
"""Between two looks whether the other is done; asking a network's file system more often helps nobody."""


@contextmanager
def held(lock: Path, busy: LiaBenchError) -> Iterator[None]:
    """Hold the file `lock`, which is made together with its folder.

    Raises:
        LiaBenchError: `busy`, if another process holds it.
        OSError: it cannot be made.
    """
    from filelock import FileLock, Timeout

    _make(lock)
    file = FileLock(lock)
    try:
        file.acquire(timeout=0)
    except Timeout:
        raise busy from None
    try:
        yield
    finally:
        file.release()


@contextmanager
def held_in_turn(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the file `lock`; where another process does, `waiting` is called once, and then it is waited for.

    Raises:
        OSError: the file or its folder cannot be made.
    """
    from filelock import FileLock, Timeout

    _make(lock)
    file = FileLock(lock)
    try:
        file.acquire(timeout=0)
    except Timeout:
        waiting()
        file.acquire(poll_interval=POLL_SECONDS)
    try:
        yield
    finally:
        file.release()


@contextmanager
def alone_in_folder(folder: Path, busy: str, way_out: str) -> Iterator[None]:
    """Keep every other process out of `folder`, which is made where it is not there.

    Args:
        folder: what is locked.
        busy: what the error says where another process is at work there.
        way_out: what it says where this is no folder that can be written, such as "name another --output".

    Raises:
        InputError: one of the two, in one line that begins with the folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder; {way_out}")
    try:
        # Apart from `held`: within it an OSError may be one of what the caller does.
        _make(folder / LOCK)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{folder}: the folder cannot be written ({reason}); {way_out}") from error
    with held(folder / LOCK, InputError(f"{folder}: {busy}")):
        yield


def _make(lock: Path) -> None:
    lock.parent.mkdir(parents=True, exist_ok=True)
    # Where this fails, the lock would say that another process holds it.
    lock.touch()


def leave_processes() -> None:
    """Leave the other processes of a run, if there are any; called by all of them when they have come to the end."""
    import torch.distributed as distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def leave_processes_at_exit() -> None:
    """Let this process leave its group of processes however it ends, if they talk by gloo.

    One that ends while gloo's threads still run now and then aborts, with a line that means nothing to the user and
    another exit status. NCCL has no such threads, and may wait for processes that have not failed.
    """
    atexit.register(_leave)


def _leave() -> None:
    import torch.distributed as distributed

    if distributed.is_initialized() and distributed.get_backend() == "gloo":
        leave_processes()
