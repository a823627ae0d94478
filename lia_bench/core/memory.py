"""Memory: how the process handles what it frees, and what to do when a GPU's does not hold a batch."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

from lia_bench.core.errors import DeviceError
from lia_bench.core.names import counted

# From glibc's malloc.h.
TRIM_THRESHOLD = -1
LARGEST_NUMBER_OF_MAPPINGS = -4
NEVER = -1


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, for its next allocations, until it ends.

    By itself glibc maps every large block anew and gives it back when it is freed. A network on the CPU frees and asks
    for the same blocks for every frame, and the system spends up to half of the time on clearing their pages
    (benchmarks/README.md). On systems without glibc nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(LARGEST_NUMBER_OF_MAPPINGS, 0)
    mallopt(TRIM_THRESHOLD, NEVER)


@contextmanager
def batch_size_advice(batch_size: int) -> Iterator[None]:
    """Turn the GPU's lack of memory in the block into an error that names the batch size to try.

    Args:
        batch_size: frames that the block handles at once.

    Raises:
        DeviceError: the memory was not enough.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        if batch_size > 1:
            way_out = f"try --batch-size {batch_size // 2}"
        else:
            way_out = "free its memory, name another one with --device, or take --device cpu"
        frames = counted(batch_size, "frame")
        raise DeviceError(f"the GPU is out of memory with {frames} at once: {way_out}") from None
