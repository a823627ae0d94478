"""One evaluation at a time in a results folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lia_bench.core.errors import InputError


@contextmanager
def alone_in_results(folder: Path) -> Iterator[None]:
    """Keep every other process out of a results folder; the operating system frees it when this one dies.

    Raises:
        InputError: another process is at work there.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder}: another evaluation is writing into this folder; wait until it is over, or take another --name"
        ) from None
    try:
        yield
    finally:
        lock.release()
