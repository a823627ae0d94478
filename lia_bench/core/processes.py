"""Processes beside this one: the group that shares an evaluation, leaving it in order, and locks.

The operating system frees a lock when its holder dies.
"""

import atexit
import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.lock_holder import HeldError, holder_of, recorded

LOCK = ".lock"
"""Name of the lock of a folder."""

POLL_SECONDS = 0.5
"""Between two looks whether the other is done; asking a network's file system more often helps nobody."""

NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What file systems without locks answer."""

LONGEST_WAIT = timedelta(days=14)
"""For the slowest process; torch's own limit is half an hour."""


@dataclass(frozen=True)
class Processes:
    """This process among those of an evaluation, as torchrun starts them: each takes its share of the clips.

    Attributes:
        rank: 0 writes the report and the tables.
        count: of processes.
    """

    rank: int = field(default_factory=lambda: int(os.environ.get("RANK", "0")))
    count: int = field(default_factory=lambda: int(os.environ.get("WORLD_SIZE", "1")))

    @property
    def first(self) -> bool:
        """Whether this process writes what all share."""
        return self.rank == 0

    def usual_device(self) -> str | None:
        """A GPU of its own for each of several processes; None leaves the choice to others."""
        import torch

        if self.count == 1 or not torch.cuda.is_available():
            return None
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"

    def join(self) -> None:
        """Meet the others."""
        import torch.distributed as distributed

        if self.count > 1 and not distributed.is_initialized():
            # What is exchanged is a few lines of text; gloo does it on every machine.
            distributed.init_process_group("gloo", timeout=LONGEST_WAIT)
            leave_processes_at_exit()

    def agree(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        if self.count == 1:
            return value
        import torch.distributed as distributed

        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in all of them; waits for the slowest."""
        if self.count == 1:
            return [value]
        import torch.distributed as distributed

        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values


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
        # Apart from the lock: within it an OSError may be one of what the caller does.
        _make(folder / LOCK)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{folder}: the folder cannot be written ({reason}); {way_out}") from error
    with _alone(folder / LOCK, folder, busy):
        yield


@contextmanager
def alone_at(path: Path, busy: str, way_out: str) -> Iterator[None]:
    """Keep every other process from writing `path`, a file or a folder that is put in its place as a whole.

    The lock lies beside it, and is gone afterwards, as are folders that were made for it and that nothing came to.
    Arguments and errors are those of `alone_in_folder`.
    """
    place = path.absolute()
    if not place.name:
        raise InputError(f"{path}: is the root of a disk; {way_out}")
    lock = place.with_name(f".{place.name}.lock")
    made = [folder for folder in lock.parents if not folder.exists()]
    try:
        _make(lock)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); {way_out}") from error
    try:
        with _alone(lock, path, busy):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    finally:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


@contextmanager
def _alone(lock: Path, what: Path, busy: str) -> Iterator[None]:
    """Hold the lock and its record, which hosts see that do not see each other's locks; the error names who does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(_locked(lock))
            stack.enter_context(recorded(lock, what))
        except HeldError as error:
            raise InputError(f"{what}: {error}{busy}") from None
        yield


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    file = FileLock(lock)
    try:
        file.acquire(timeout=0)
    except Timeout:
        holder = holder_of(lock)
        raise HeldError(f"{holder} is at work here: " if holder else "") from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        file.release()


def _make(lock: Path) -> None:
    lock.parent.mkdir(parents=True, exist_ok=True)
    # Where this fails, the lock would say that another process holds it.
    lock.touch()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that this process has in here, and what is started in here finds."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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
