"""Several processes at one evaluation, as torchrun starts them: each takes its share of the clips."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from lia_bench.core.processes import leave_processes_at_exit

Item = TypeVar("Item")

LONGEST_WAIT = timedelta(days=14)
"""For the slowest process; torch's own limit is half an hour."""


@dataclass(frozen=True)
class Processes:
    """This process among those of an evaluation.

    Attributes:
        rank: 0 writes the report and the tables.
        count: of processes.
    """

    rank: int
    count: int

    @property
    def first(self) -> bool:
        """Whether this process writes what all share."""
        return self.rank == 0

    def usual_device(self) -> str | None:
        """A GPU of its own for each of several processes; None leaves the choice to others."""
        import torch

        if self.count == 1 or not torch.cuda.is_available():
            return None
        return f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"

    def share(self, work: Sequence[Item]) -> list[Item]:
        """What this process does of `work`: every n-th, so that long and short clips spread."""
        return list(work[self.rank :: self.count])

    def agree(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        if self.count == 1:
            return value
        import torch.distributed as distributed

        values = [value]
        distributed.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in all of them; waits for the slowest."""
        if self.count == 1:
            return [value]
        import torch.distributed as distributed

        values: list[Any] = [None] * self.count
        distributed.all_gather_object(values, value)
        return values


def join_processes() -> Processes:
    """Join the processes that torchrun started; alone where it did not."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Processes(0, 1)
    import torch.distributed as distributed

    if not distributed.is_initialized():
        # What is exchanged is a few lines of text; gloo does it on every machine.
        distributed.init_process_group("gloo", timeout=LONGEST_WAIT)
        leave_processes_at_exit()
    return Processes(distributed.get_rank(), count)
