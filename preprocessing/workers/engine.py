"""What every engine offers, whatever it spreads jobs over."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

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
