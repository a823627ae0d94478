"""One run at a time in a dataset's folder."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lia_bench.core.errors import InputError


@contextlib.contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Keep other runs out of `output`, which is made where it is not there; the system frees it when a run is killed.

    Raises:
        InputError: another run is at work there.
    """
    from filelock import FileLock, Timeout

    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / ".lock", timeout=0):
            yield
    except Timeout:
        raise InputError(
            f"{output}: another run is preparing this dataset; wait for it, or give this one another --output"
        ) from None
