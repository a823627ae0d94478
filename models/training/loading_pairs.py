"""Batches of frame pairs, decoded by worker processes, each process of a run taking its share."""

import gc
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lia_bench.core.errors import InputError, LiaBenchError
from lia_bench.models.training.pairs import FramePairs


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
        return (self.share.positions(iteration) for iteration in range(self.start, self.stop))

    def __len__(self) -> int:
        return self.stop - self.start


def pair_batches(
    pairs: FramePairs, share: Share, *, start: int, stop: int, workers: int, pinned: bool
) -> Iterator[Tensor]:
    """Batches of iterations `start` to `stop`: uint8 (B, 2 + references, 3, size, size).

    They are the same for any number of workers, which start at once, not at the first batch. `pinned` puts batches
    where a GPU can fetch them.

    Raises:
        LiaBenchError: a clip cannot be read, or a worker was killed.
    """
    loader: DataLoader[Tensor | LiaBenchError] = DataLoader(
        pairs,
        batch_sampler=_Batches(share, start, stop),
        num_workers=workers,
        collate_fn=_stacked,
        pin_memory=pinned,
        worker_init_fn=_leave_signals_to_main,
    )
    # A fork copies no threads: a worker that cleared away a video reader which this process has left behind would wait
    # for the reader's threads for ever.
    gc.collect()
    return _checked(iter(loader))


def _checked(batches: Iterator[Tensor | LiaBenchError]) -> Iterator[Tensor]:
    while True:
        try:
            batch = next(batches)
        except StopIteration:
            return
        except RuntimeError as error:
            # torch has no class for it; an error raised inside a worker begins with "Caught".
            if not str(error).startswith("DataLoader worker"):
                raise
            raise LiaBenchError(
                "a process that decodes frames was killed, often for lack of memory: "
                "lower data.cache_megabytes or data.workers, then run the same command again"
            ) from error
        if isinstance(batch, LiaBenchError):
            raise batch
        yield batch


def _stacked(samples: Sequence[Tensor | LiaBenchError]) -> Tensor | LiaBenchError:
    tensors = []
    for sample in samples:
        if isinstance(sample, LiaBenchError):
            return sample
        tensors.append(sample)
    return torch.stack(tensors)


def _leave_signals_to_main(worker: int) -> None:
    # Ctrl-C reaches the whole process group, and a handler of the main process is inherited by fork.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
