"""What every engine offers, whatever it spreads jobs over, and which job a worker gets next."""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


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
