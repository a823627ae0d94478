"""Jobs spread over the nodes of a Ray cluster; those of a node that dies are given to the others."""

import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.core.extras import not_installed
from lia_bench.preprocessing.workers.engine import ENVIRONMENT, Died, SharedJobs

Job = TypeVar("Job")
Result = TypeVar("Result")

ATTEMPTS = 3
PATIENCE = 300.0
"""Seconds without one living worker, after which the cluster is given up."""


class RayEngine:
    """Actors on the nodes of a cluster: one a CPU, or one a GPU where the jobs need GPUs.

    Footage and output have to be visible to all nodes under the same paths, and the package installed on all of them.
    A job that is tried again may meet its first attempt, still writing on a node that is cut off: both write the same
    bytes and put them in their place by renaming.
    """

    def __init__(self, address: str, gpus_per_worker: float) -> None:
        """`address` as Ray takes it: "auto", "host:port"; "local" starts a cluster of this machine alone."""
        self._address = address
        self._gpus = gpus_per_worker

    def run(
        self, build: Callable[[], Callable[[Job], Result]], groups: Sequence[Sequence[Job]]
    ) -> Iterator[tuple[Job, Result | Died]]:
        """See `Engine.run`. An error raised in a job or in `build` ends the run.

        Raises:
            InputError: Ray is not installed, no cluster answers at the address, or it has no room for a worker.
            LiaBenchError: all workers were lost and none came back.
        """
        numbered = [
            [(first + place, job) for place, job in enumerate(group)]
            for first, group in zip(_starts(groups), groups, strict=True)
        ]
        if not numbered:
            return
        ray = _load()
        with _connected(ray, self._address):
            count = min(_room(ray, self._gpus), sum(map(len, numbered)))
            if count < 1:
                raise InputError(
                    f"--ray {self._address}: the cluster has no free {'GPU' if self._gpus else 'CPU'} for a worker"
                )
            with contextlib.closing(_Run(ray, build, numbered, self._gpus)) as run:
                yield from run.results(count)


@dataclass(frozen=True)
class _Task(Generic[Job]):
    """What an actor is doing: loading, or a job."""

    actor: Any
    job: tuple[int, Job] | None


class _Run(Generic[Job, Result]):
    def __init__(
        self,
        ray: Any,
        build: Callable[[], Callable[[Job], Result]],
        groups: Sequence[Sequence[tuple[int, Job]]],
        gpus: float,
    ) -> None:
        self._ray = ray
        options = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": 0, "runtime_env": {"env_vars": ENVIRONMENT}}
        self._actor_class = ray.remote(**options)(_Actor)
        self._build = ray.put(build)
        self._jobs = SharedJobs(groups)
        self._tasks: dict[Any, _Task[Job]] = {}
        self._idle: list[Any] = []
        self._attempts: Counter[int] = Counter()

    def results(self, workers: int) -> Iterator[tuple[Job, Result | Died]]:
        for _ in range(workers):
            self._start()
        while len(self._jobs) or any(task.job for task in self._tasks.values()):
            done, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=PATIENCE)
            if not done and not any(task.job for task in self._tasks.values()):
                raise LiaBenchError(
                    f"all workers of the Ray cluster were lost, and none came back within {PATIENCE:.0f} s; what is "
                    "finished stays: mend the cluster and run the command again"
                )
            for reference in done:
                yield from self._take(reference, self._tasks.pop(reference))

    def _take(self, reference: Any, task: _Task[Job]) -> Iterator[tuple[Job, Result | Died]]:
        exceptions = self._ray.exceptions
        try:
            result = self._ray.get(reference)
        except (exceptions.ActorDiedError, exceptions.ActorUnavailableError, exceptions.NodeDiedError):
            # The new one waits until there is room for it, and gets no job before.
            self._start()
            if task.job is not None:
                yield from self._lost(task.job)
            return
        except exceptions.RayTaskError as error:
            raise error.cause from None
        self._begin(task.actor)
        if task.job is not None:
            yield task.job[1], result

    def _lost(self, job: tuple[int, Job]) -> Iterator[tuple[Job, Died]]:
        self._attempts[job[0]] += 1
        if self._attempts[job[0]] < ATTEMPTS:
            self._jobs.give_back(job)
            if self._idle:
                self._begin(self._idle.pop())
        else:
            reason = f"worker_died: its worker or node was lost {ATTEMPTS} times; look at the footage, and run again"
            yield job[1], Died(reason)

    def _start(self) -> None:
        actor = self._actor_class.remote()
        self._tasks[actor.load.remote(self._build)] = _Task(actor, None)

    def _begin(self, actor: Any) -> None:
        job = self._jobs.take(actor)
        if job is None:
            self._idle.append(actor)
        else:
            self._tasks[actor.work.remote(job[1])] = _Task(actor, job)

    def close(self) -> None:
        """End all actors, those that still wait for room included."""
        for actor in (*self._idle, *(task.actor for task in self._tasks.values())):
            with contextlib.suppress(Exception):
                self._ray.kill(actor)


class _Actor:
    """A worker: loads once what the jobs need."""

    def load(self, build: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = build()

    def work(self, job: Any) -> Any:
        return self._work(job)


def _load() -> Any:
    # Ray asks about usage statistics at its first start, which nobody at a terminal here wants to answer.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise InputError(not_installed("--ray needs Ray", "ray")) from None
    return ray


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """A connection to the cluster; one that was there before is used and left open."""
    if ray.is_initialized():
        yield
        return
    _check_reachable(address)
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == "local":
            ray.init(address="local", include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        cause = str(error).strip().splitlines()[0]
        raise InputError(
            f"--ray {address}: no Ray cluster answers there ({cause}); start one, or leave --ray out"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Ray itself tries a dead address for over a minute, without a word."""
    host, colon, port = address.rpartition(":")
    if not colon or "/" in host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise InputError(
            f"--ray {address}: no Ray cluster answers there ({error}); start one, or leave --ray out"
        ) from None


def _room(ray: Any, gpus: float) -> int:
    resources = ray.cluster_resources()
    room = int(resources.get("CPU", 0))
    return min(room, int(resources.get("GPU", 0) / gpus)) if gpus else room


def _starts(groups: Sequence[Sequence[Job]]) -> Iterator[int]:
    start = 0
    for group in groups:
        yield start
        start += len(group)
