"""Batches of frame pairs: which rows a process trains on, and the processes that read them."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.memory import keep_freed_memory
from lia_bench.core.provenance import usable_cores
from lia_bench.models.training.pairs import FramePairs

DRAWN_AHEAD = 4
"""Batches that each worker has ready for a GPU."""

MOST_WORKERS = 16
"""For one device, where nobody said how many: as much as the fastest GPU takes."""


@dataclass(frozen=True)
class Share:
    """The rows of every batch that process `rank` of `processes` trains on, in `parts` of equal size."""

    batch_size: int
    rank: int = 0
    processes: int = 1
    parts: int = 1

    def __post_init__(self) -> None:
        shares = self.processes * self.parts
        if self.batch_size % shares:
            there_are = f"there are {self.processes}"
            if self.parts > 1:
                there_are += f", each with data.accumulate={self.parts} parts"
            raise InputError(
                f"data.batch_size is {self.batch_size}, over all devices, and {there_are}: "
                f"--set data.batch_size={-(-self.batch_size // shares) * shares}"
            )

    def positions(self, iteration: int) -> list[int]:
        """Positions in the run of this process's rows of an iteration's batch: every so many-th one.

        Rows that LIA's discriminator compares, a quarter of the batch apart, so stay together.
        """
        first = iteration * self.batch_size
        return list(range(first + self.rank, first + self.batch_size, self.processes))


@dataclass(frozen=True)
class _Batches:
    share: Share
    start: int
    stop: int

    def __iter__(self) -> Iterator[list[int]]:
        return map(self.share.positions, range(self.start, self.stop))

    def __len__(self) -> int:
        return self.stop - self.start


def pair_batches(
    pairs: FramePairs, share: Share, *, start: int, stop: int, workers: int, pinned: bool
) -> Iterator[Tensor]:
    """Batches of iterations `start` to `stop`: uint8 (B, 2 + references, 3, size, size), pixels in any order.

    They are the same for any number of workers, which start at once, not at the first batch. `pinned` puts batches
    where a GPU can fetch them.

    Raises:
        LiaBenchError: a clip cannot be read, or a worker was killed.
    """
    import cv2

    loader: DataLoader[Tensor | LiaBenchError] = DataLoader(
        pairs,
        batch_sampler=_Batches(share, start, stop),
        num_workers=workers,
        # A GPU takes batches in bursts, between which it saves and validates; a CPU never waits for them.
        prefetch_factor=(DRAWN_AHEAD if pinned else 2) if workers else None,
        collate_fn=_whole,
        pin_memory=pinned,
        worker_init_fn=_begin_worker,
    )
    # A fork copies no threads: a worker that cleared away a video reader which this process has left behind would wait
    # for the reader's threads for ever.
    gc.collect()
    # One process a core: threads of OpenCV would fight for the cores. Nor does a fork have them, though it would wait
    # for them to end, were they still there when it is made.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        batches = iter(loader)
    finally:
        cv2.setNumThreads(threads)
    return _checked(batches)


@contextmanager
def lost_workers_named() -> Iterator[None]:
    """Inside, a worker that was killed is a LiaBenchError; torch raises its own error wherever the process just is."""
    try:
        yield
    except RuntimeError as error:
        # torch has no class for it; an error raised inside a worker begins with "Caught".
        if not str(error).startswith("DataLoader worker"):
            raise
        raise LiaBenchError(
            "a process that decodes frames was killed, often for lack of memory: "
            "lower data.cache_megabytes or data.workers, then run the same command again"
        ) from error


def usual_workers(accelerator: str, devices: int) -> int:
    """Processes that read for each of a machine's devices, where nobody said how many.

    A step on the CPU takes longer than many reads, and every core that reads is one less that computes. For GPUs all
    cores read but one for each, by which its own process drives it.
    """
    cores = usable_cores() // max(1, devices)
    return max(1, min(cores - 1, MOST_WORKERS)) if accelerator == "cuda" else min(1, cores - 1)


def _checked(batches: Iterator[Tensor | LiaBenchError]) -> Iterator[Tensor]:
    while True:
        with lost_workers_named():
            batch = next(batches, None)
        if batch is None:
            return
        if isinstance(batch, LiaBenchError):
            raise batch
        yield batch


def _whole(batch: Any) -> Any:
    """What `FramePairs.__getitems__` gave, as it is."""
    return batch


def _begin_worker(worker: int) -> None:
    import cv2

    # Where processes are started anew instead of forked.
    if cv2.getNumThreads() != 1:
        cv2.setNumThreads(1)
    keep_freed_memory()
    _leave_signals_to_main()
    threading.Thread(target=_end_with_main, daemon=True).start()


def _end_with_main() -> None:
    """Do not outlive a main process that was killed: torch looks every five seconds, and locks are held here, too."""
    main = multiprocessing.parent_process()
    assert main is not None
    main.join()
    os._exit(1)


def _leave_signals_to_main() -> None:
    # Ctrl-C reaches the whole process group, and a handler of the main process is inherited by fork.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_main_says_so, daemon=True).start()


def _end_when_main_says_so() -> None:
    """Leave SIGTERM to the main process where a scheduler sends it to all: batches come until that one has saved."""
    # Its parent by the system's count may be a server that makes processes for it.
    main = multiprocessing.parent_process()
    # Who sent a signal is told to those that wait for it alone.
    while main is not None and signal.sigwaitinfo({signal.SIGTERM}).si_pid != main.pid:
        pass
    os._exit(0)
