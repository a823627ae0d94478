"""Jobs spread over workers: what every engine offers, which job a worker gets next, and the engine of local processes.

A process that dies takes only its job with it.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from lia_bench.core.errors import LiaBenchError
from lia_bench.core.processes import environment

Job = TypeVar("Job")
Result = TypeVar("Result")

ENVIRONMENT = {
    # Threads of their own in every process would fight for the cores that the processes already fill.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Frames come and go by the megabyte: memory that glibc gives back after each costs a quarter of the time.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Died:
    """What becomes of a job whose worker process or node was lost.

    Attributes:
        reason: "worker_died: " and a sentence with a way out.
    """

    reason: str


class Engine(Protocol):
    """Workers that wait for jobs."""

    def run(
        self, build: Callable[[], Callable[[Job], Result]], groups: Sequence[Sequence[Job]]
    ) -> Iterator[tuple[Job, Result | Died]]:
        """Each job with its result, as they get ready.

        Args:
            build: called once in every worker, makes the function that works on jobs; it may load a network.
            groups: jobs that share something, such as a video, and are preferably left to one worker, in order.
        """


class SharedJobs(Generic[Job]):
    """Jobs in groups, handed out one at a time.

    A worker goes through a group in order. One that finds no group left takes jobs from the end of the longest, so
    that one long video keeps all workers busy.
    """

    def __init__(self, groups: Sequence[Sequence[Job]]) -> None:
        """`groups`: jobs that are preferably left to one worker."""
        self._waiting = deque(deque(group) for group in groups if group)
        self._own: dict[Hashable, deque[Job]] = {}

    def __len__(self) -> int:
        """Jobs that nobody has been given."""
        return sum(len(group) for group in (*self._waiting, *self._own.values()))

    def take(self, worker: Hashable) -> Job | None:
        """The next job for a worker; None when there is none left for anyone."""
        own = self._own.get(worker)
        if not own and self._waiting:
            own = self._own[worker] = self._waiting.popleft()
        if own:
            return own.popleft()
        longest = max(self._own.values(), key=len, default=None)
        return longest.pop() if longest else None

    def give_back(self, job: Job) -> None:
        """Put a job that was not finished before all others that no worker has begun with."""
        self._waiting.appendleft(deque([job]))


@dataclass(frozen=True)
class LocalEngine:
    """Processes that are started when a run begins and end with it.

    Attributes:
        workers: processes at most.
    """

    workers: int

    def run(
        self, build: Callable[[], Callable[[Job], Result]], groups: Sequence[Sequence[Job]]
    ) -> Iterator[tuple[Job, Result | Died]]:
        """See `Engine.run`. `build`, jobs and results have to be picklable.

        An error raised in a job or in `build` ends the run.
        """
        jobs = SharedJobs(groups)
        workers: list[_Worker[Job, Result]] = []
        try:
            for _ in range(min(self.workers, len(jobs))):
                workers.append(_Worker(build))
            while busy := [worker for worker in workers if worker.is_busy or worker.begin(jobs)]:
                ready = wait([worker.connection for worker in busy])
                for worker in busy:
                    if worker.connection in ready:
                        yield worker.take()
        finally:
            for worker in workers:
                worker.end()


class _Worker(Generic[Job, Result]):
    """A process, started anew when it dies."""

    def __init__(self, build: Callable[[], Callable[[Job], Result]]) -> None:
        self._build = build
        self._current: list[Job] = []
        self._start()

    @property
    def is_busy(self) -> bool:
        return bool(self._current)

    def begin(self, jobs: SharedJobs[Job]) -> bool:
        """Give the next job to the process; False when there is none left."""
        job = jobs.take(id(self))
        if job is None:
            return False
        try:
            self.connection.send(job)
        except OSError:
            # It died while it had nothing to do, which is no job's fault.
            self.end()
            self._start()
            self.connection.send(job)
        self._current.append(job)
        return True

    def take(self) -> tuple[Job, Result | Died]:
        """The finished job and its result; an error of the job is raised."""
        job = self._current.pop()
        try:
            is_result, value = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            cause = _cause(self._process.exitcode)
            self.end()
            self._start()
            return job, Died(f"worker_died: {cause}; mend the footage or use fewer --workers, and run again")
        if not is_result:
            raise value
        return job, value

    def end(self) -> None:
        """Stop the process, whatever it is doing."""
        self.connection.close()
        self._process.terminate()
        self._process.join()

    def _start(self) -> None:
        # A fork would copy the threads' locks of decoders that are open here.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._build), daemon=True)
        with environment(ENVIRONMENT), _without_script(), _without_interruption():
            self._process.start()
        # So that the end of the process is the end of the connection.
        theirs.close()


def _cause(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    hint = ", perhaps for want of memory" if -exit_code == signal.SIGKILL else ""
    return f"its process was ended by {signal.Signals(-exit_code).name}{hint}"


@contextlib.contextmanager
def _without_interruption() -> Iterator[None]:
    """What is started in here never hears of Ctrl-C, not even before it can say so; this process does, afterwards.

    One that is left while it hands over the job would leave a process that has none.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        # Windows starts its processes without masks.
        yield
        return
    came: list[int] = []
    # The mask alone would not do: other threads of this process are sent the signal, too.
    handlers = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in SIGNALS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for sent in dict.fromkeys(came):
            signal.raise_signal(sent)


@contextlib.contextmanager
def _without_script() -> Iterator[None]:
    """What is started in here does not run the script of this process, which would begin all of its work anew."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _serve(connection: "Connection[Any, Any]", build: Callable[[], Callable[[Any], Any]]) -> None:
    """The life of a worker process."""
    # Ctrl-C reaches every process of the terminal; the parent alone decides what follows.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work: Callable[[Any], Any] | None = None
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            work = work or build()
            answer = (True, work(job))
        except BaseException as error:
            answer = (False, error)
        _answer(connection, answer)


def _answer(connection: "Connection[Any, Any]", answer: tuple[bool, Any]) -> None:
    try:
        connection.send(answer)
    except OSError:
        return
    except Exception:
        # Some errors cannot be pickled.
        connection.send((False, LiaBenchError(f"{type(answer[1]).__name__}: {answer[1]}")))


def _end_with_parent() -> None:
    # Daemon processes outlive a parent that was killed, and would go on writing beside the next run.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
