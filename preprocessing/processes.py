"""A function over many jobs in several processes, that ends cleanly when it is interrupted."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TypeVar

from lia_bench.core.errors import LiaBenchError

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(function: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Results in the order they get ready; with one worker, in this process.

    `function` and the jobs have to be picklable. An error in one job, or Ctrl-C, ends the others at once.

    Raises:
        LiaBenchError: a process was killed from outside.
    """
    if workers == 1 or len(jobs) == 1:
        yield from map(function, jobs)
        return
    before = set(multiprocessing.active_children())
    # A fork would copy the threads' locks of decoders that are open here.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context, initializer=_begin)
    try:
        for future in as_completed([pool.submit(function, job) for job in jobs]):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool:
        raise LiaBenchError(
            "a worker process was killed, perhaps for want of memory; what is finished stays: run the command again "
            "with fewer --workers"
        ) from None
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
            child.join()
        raise


def _begin() -> None:
    # Numerical libraries read these as they are imported, which the first job does. Threads of their own in
    # every process would fight for the cores that the processes already fill.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    # Ctrl-C reaches every process of the terminal; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A pool's processes outlive a parent that was killed, and would go on writing beside the next run.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
