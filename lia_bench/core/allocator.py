"""How the process handles memory that it frees."""

import ctypes
import platform

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
