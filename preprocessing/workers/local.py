"""Jobs spread over processes of this machine; one that dies takes only its job with it."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_sentinel
from typing import Any, Generic, TypeVar

from lia_bench.preprocessing.workers.engine import Died

Job = TypeVar("Job")
Result = TypeVar("Result")


class LocalEngine:
    """Processes that are started when a run begins and end with it."""

    def __init__(self, workers: int) -> None:
        """`workers` processes at most."""
        self._workers = workers

    def run(
        self, build: Callable[[], Callable[[Job], Result]], groups: Sequence[Sequence[Job]]
    ) -> Iterator[tuple[Job, Result | Died]]:
        """See `Engine.run`. `build`, jobs and results have to be picklable.

        An error raised in a job ends the run. A worker without a group takes jobs from the end of the longest one, so
        that one long video keeps all of them at work.
        """
        waiting = deque(deque(group) for group in groups if group)
        count = min(self._workers, sum(len(group) for group in waiting))
        slots: list[_Slot[Job, Result]] = [_Slot(build) for _ in range(count)]
        try:
            while busy := [slot for slot in slots if slot.is_busy or _give(slot, waiting, slots)]:
                wait([slot.future for slot in busy if slot.future], return_when=FIRST_COMPLETED)
                for slot in busy:
                    if slot.future is not None and slot.future.done():
                        yield slot.take()
        finally:
            for slot in slots:
                slot.end()


ENVIRONMENT = {
    # Threads of their own in every process would fight for the cores that the processes already fill.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Frames come and go by the megabyte: memory that glibc gives back after each costs a quarter of the time.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What a process that is started in here finds in its environment."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ |= ENVIRONMENT
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Slot(Generic[Job, Result]):
    """A place for one worker process, and the jobs that it will work on."""

    def __init__(self, build: Callable[[], Callable[[Job], Result]]) -> None:
        self.jobs: deque[Job] = deque()
        self.future: Future[Result] | None = None
        self._build = build
        self._job: Job | None = None
        self._pool = self._new_pool()

    @property
    def is_busy(self) -> bool:
        return self.future is not None

    def begin(self) -> None:
        """Give the next job to the process."""
        self._job = self.jobs.popleft()
        # The first job starts the process.
        with _environment():
            self.future = self._pool.submit(_work, self._job)

    def take(self) -> tuple[Job, Result | Died]:
        """The finished job and its result; an error of the job is raised."""
        job, future = self._job, self.future
        assert job is not None
        assert future is not None
        self.future = None
        processes = list(self._processes())
        try:
            return job, future.result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new_pool()
            return job, Died(
                f"worker_died: {_cause(processes)}; mend the footage or use fewer --workers, and run again"
            )

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        processes = list(self._processes())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
            process.join()

    def _processes(self) -> Iterator[Any]:
        # The executor names no process in its interface before Python 3.14.
        yield from (getattr(self._pool, "_processes", None) or {}).values()

    def _new_pool(self) -> ProcessPoolExecutor:
        # A fork would copy the threads' locks of decoders that are open here.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(self._build,))


def _give(slot: "_Slot[Job, Result]", waiting: "deque[deque[Job]]", slots: "Sequence[_Slot[Job, Result]]") -> bool:
    """Let an idle slot begin a job, if there is one left anywhere."""
    if not slot.jobs and waiting:
        slot.jobs = waiting.popleft()
    if not slot.jobs:
        longest = max(slots, key=lambda other: len(other.jobs))
        if longest.jobs:
            slot.jobs.append(longest.jobs.pop())
    if slot.jobs:
        slot.begin()
    return slot.is_busy


def _cause(processes: Sequence[Any]) -> str:
    for process in processes:
        process.join()
        code = process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            hint = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
            return f"its process was ended by {name}{hint}"
        if code:
            return f"its process ended with exit code {code}"
    return "its process ended"


_job_function: Callable[[Any], Any] | None = None
_build_job_function: Callable[[], Callable[[Any], Any]] | None = None


def _begin(build: Callable[[], Callable[[Any], Any]]) -> None:
    global _build_job_function
    # Ctrl-C reaches every process of the terminal; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _build_job_function = build


def _work(job: Any) -> Any:
    # Not in `_begin`, where an error would reach the parent as a process that died.
    global _job_function
    if _job_function is None:
        assert _build_job_function is not None
        _job_function = _build_job_function()
    return _job_function(job)


def _end_with_parent() -> None:
    # A pool's processes outlive a parent that was killed, and would go on writing beside the next run.
    parent = multiprocessing.parent_process()
    if parent is not None:
        with contextlib.suppress(OSError):
            wait_for_sentinel([parent.sentinel])
        os._exit(1)
