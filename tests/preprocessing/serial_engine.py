"""Jobs worked on in this process, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lia_bench.preprocessing.workers.engine import Died

Job = TypeVar("Job")
Result = TypeVar("Result")


class SerialEngine:
    """For a handful of jobs, and for looking closely at one."""

    def run(
        self, build: Callable[[], Callable[[Job], Result]], groups: Sequence[Sequence[Job]]
    ) -> Iterator[tuple[Job, Result | Died]]:
        """See `Engine.run`; a job that kills its process takes this one with it."""
        work = build()
        for group in groups:
            for job in group:
                yield job, work(job)
