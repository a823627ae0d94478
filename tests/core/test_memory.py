"""Memory that is kept, and what a full GPU leads to."""

import platform
import subprocess
import sys

import pytest
import torch

from lia_bench.core.errors import DeviceError
from lia_bench.core.memory import batch_size_advice

PROGRAM = """
import ctypes
import resource
{first}
library = ctypes.CDLL(None)
# Where the system gives huge pages by itself, there are five hundred times fewer faults: PR_SET_THP_DISABLE.
library.prctl(41, 1, 0, 0, 0)
library.malloc.restype = ctypes.c_void_p
def fill():
    block = ctypes.c_void_p(library.malloc(ctypes.c_size_t(64_000_000)))
    ctypes.memset(block, 1, 64_000_000)
    library.free(block)
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
KEEPING = "from lia_bench.core.memory import keep_freed_memory; keep_freed_memory()"
KEPT_BEFORE = """
from lia_bench.core.memory import freed_memory_kept
with freed_memory_kept():
    with freed_memory_kept():
        pass
"""
KEPT_INSIDE = f"{KEPT_BEFORE}keeping = freed_memory_kept()\nkeeping.__enter__()"
# 64 MB in pages of 4 KiB.
PAGES = 15_625


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone can be told")
def test_freed_memory_is_used_again_without_the_system() -> None:
    assert _page_faults("") > 10 * PAGES
    assert _page_faults(KEEPING) < PAGES
    assert _page_faults(KEPT_INSIDE) < PAGES


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator alone can be told")
def test_memory_that_was_kept_for_a_while_goes_back() -> None:
    assert _page_faults(KEPT_BEFORE) > 10 * PAGES
    assert _page_faults(KEEPING + KEPT_BEFORE) < PAGES


def _page_faults(first: str) -> int:
    program = PROGRAM.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.parametrize(
    ("batch_size", "hint"), [(8, "try --batch-size 4"), (3, "try --batch-size 1"), (1, "--device cpu")]
)
def test_the_batch_size_to_try_is_named(batch_size: int, hint: str) -> None:
    with pytest.raises(DeviceError, match=hint), batch_size_advice(batch_size):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="something else"), batch_size_advice(8):
        raise RuntimeError("something else")
