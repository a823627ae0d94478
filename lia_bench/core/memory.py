"""Memory: how the process handles what it frees, and what to do when a GPU's does not hold a batch."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from lia_bench.core.errors import DeviceError
from lia_bench.core.names import counted

# From glibc's malloc.h.
TRIM_THRESHOLD = -1
LARGEST_NUMBER_OF_MAPPINGS = -4
NEVER = -1
# What they are in a process that has set nothing.
USUAL_TRIM_THRESHOLD = 128 * 1024
USUAL_NUMBER_OF_MAPPINGS = 65536

_keepers = 0
"""How many at present want freed memory kept: the process, and each clip that is being animated."""


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, for its next allocations, until it ends.

    By itself glibc maps every large block anew and gives it back when it is freed. A network on the CPU frees and asks
    for the same blocks for every frame, and the system spends up to half of the time on clearing their pages
    (benchmarks/README.md). On systems without glibc nothing happens.
    """
    global _keepers
    _keepers += 1
    if _has_glibc():
        library = ctypes.CDLL(None)
        library.mallopt(LARGEST_NUMBER_OF_MAPPINGS, 0)
        library.mallopt(TRIM_THRESHOLD, NEVER)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Inside, as after `keep_freed_memory`; behind it what was kept goes back, unless something else keeps it."""
    global _keepers
    keep_freed_memory()
    try:
        yield
    finally:
        _keepers -= 1
        if not _keepers and _has_glibc():
            library = ctypes.CDLL(None)
            library.mallopt(LARGEST_NUMBER_OF_MAPPINGS, USUAL_NUMBER_OF_MAPPINGS)
            library.mallopt(TRIM_THRESHOLD, USUAL_TRIM_THRESHOLD)
            library.malloc_trim(0)


@cache
def _has_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"


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
