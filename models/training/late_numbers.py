"""Losses and norms of an iteration on their way from the device, read when the next one is under way."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from lia_bench.models.training.hardware import Fabric


@dataclass(frozen=True)
class StepNumbers:
    """What an iteration gave, averaged over all processes.

    Attributes:
        step: the iteration, from 1.
        losses, gradient_norms: by name.
        flags: what the processes told each other, by name; above 0 where any of them did.
    """

    step: int
    losses: Mapping[str, float]
    gradient_norms: Mapping[str, float]
    flags: Mapping[str, float]


class LateNumbers:
    """Numbers of iterations in order. On a GPU each comes an iteration late, so that the next one is there to do.

    A program that reads a number of the iteration it has just asked for waits until the GPU has nothing left to do, and
    the GPU then waits for the program. On the CPU, where nothing is done ahead, numbers come at once.
    """

    def __init__(self, fabric: Fabric, late: int | None = None) -> None:
        """`late`: iterations; by default 1 on a GPU and 0 elsewhere."""
        self._fabric = fabric
        self._late = int(fabric.device.type == "cuda") if late is None else late
        self._coming: deque[_Coming] = deque()

    def put(
        self, step: int, losses: Mapping[str, Tensor], gradient_norms: Mapping[str, Tensor], flags: Mapping[str, bool]
    ) -> None:
        """Send the numbers of an iteration, scalars on the device, on their way; to be called by all processes."""
        device = self._fabric.device
        scalars = [*losses.values(), *gradient_norms.values()]
        if self._fabric.world_size > 1:
            # Filled on the device, where a copy of them would be waited for.
            scalars += [torch.full((), float(flag), device=device) for flag in flags.values()]
        names = (tuple(losses), tuple(gradient_norms), dict(flags))
        self._coming.append(_Coming(step, names, mean_over_processes(self._fabric, torch.stack(scalars))))

    def arrived(self, *, everything: bool = False) -> Iterator[StepNumbers]:
        """Those whose turn it is, oldest first; with `everything` all, for which the device is waited for."""
        while len(self._coming) > (0 if everything else self._late):
            yield self._coming.popleft().read()


class _Coming:
    """Numbers of one iteration under way."""

    def __init__(self, step: int, names: tuple[tuple[str, ...], tuple[str, ...], dict[str, bool]], values: Tensor):
        self._step = step
        self._names = names
        # Into pinned memory, which torch takes for copies that are not waited for.
        self._values = values.detach().to("cpu", non_blocking=True)
        self._there = None
        if values.device.type == "cuda":
            self._there = torch.cuda.Event()
            self._there.record()

    def read(self) -> StepNumbers:
        """The numbers, once they are there."""
        if self._there is not None:
            self._there.synchronize()
        losses, norms, flags = self._names
        values = self._values.tolist()
        after = len(losses) + len(norms)
        # One process asks itself.
        agreed = values[after:] or [float(flag) for flag in flags.values()]
        return StepNumbers(
            self._step,
            dict(zip(losses, values, strict=False)),
            dict(zip(norms, values[len(losses) : after], strict=True)),
            dict(zip(flags, agreed, strict=True)),
        )


def mean_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """`values` averaged over all processes of the run."""
    reduced = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return reduced
