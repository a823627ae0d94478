"""Rendering at a GPU's pace: frames in batches to it and back as others are decoded; precision; compilation.

There may be no compiler: what torch.compile calls to make code is asked for at the first use alone.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lia_bench.core.errors import LiaBenchError

if TYPE_CHECKING:
    from lia_bench.models.animator import Animator

Rendering = Callable[[Tensor], Tensor]


def streamed(
    frames: Iterator[Tensor], batch_size: int, device: torch.device, render: Rendering, *, ahead: bool
) -> Iterator[Tensor]:
    """What `render` makes of the frames on a GPU, frame by frame on the CPU; memory does not grow with them.

    Args:
        frames: on the CPU, alike in shape and type.
        batch_size: frames rendered together.
        device: the GPU.
        render: a batch on the device to as many results there.
        ahead: whether it gets a batch before the one before it has been taken: while it computes, the next frames
            are decoded and those before them are encoded. What is rendered is then a batch ahead of what is yielded.
    """
    up, down = torch.cuda.Stream(device), torch.cuda.Stream(device)
    computing = torch.cuda.current_stream(device)
    coming: deque[tuple[Tensor, torch.cuda.Event]] = deque()
    while batch := list(islice(frames, batch_size)):
        # Copies have streams of their own, so that they and what is computed go on side by side.
        with torch.cuda.stream(up):
            moved = torch.stack(batch).pin_memory().to(device, non_blocking=True)
        computing.wait_stream(up)
        moved.record_stream(computing)
        rendered = render(moved)
        down.wait_stream(computing)
        with torch.cuda.stream(down):
            # Into pinned memory, which torch takes for copies that are not waited for.
            taken = rendered.to("cpu", non_blocking=True)
            there = torch.cuda.Event()
            there.record(down)
        rendered.record_stream(down)
        coming.append((taken, there))
        while len(coming) > int(ahead):
            yield from _taken(coming.popleft())
    while coming:
        yield from _taken(coming.popleft())


def _taken(coming: tuple[Tensor, torch.cuda.Event]) -> Tensor:
    frames, there = coming
    there.synchronize()
    return frames


@dataclass(frozen=True)
class Rounding:
    """How far a frame in reduced precision is from the same one in full, in grey levels of 255.

    Attributes:
        mean: over pixels and channels.
        largest: of any of them.
    """

    mean: float
    largest: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} grey levels on average, {self.largest:.1f} at most"


def rounding(animator: "Animator", source: Tensor, driving: Tensor, transfer: str) -> Rounding:
    """What the precision that `animator` was sped up to does to the last of a few frames.

    Args:
        animator: the model.
        source: (3, H, W) in [0, 1].
        driving: (T, 3, H, W) in [0, 1], the first of which relative transfer begins from.
        transfer: one of the model's modes.
    """
    # It shares the weights.
    exact = copy(animator)
    exact.speed_up()
    reduced, full = (model.animate(source, driving, transfer)[-1] for model in (animator, exact))
    apart = (reduced - full).abs() * 255
    return Rounding(float(apart.mean()), float(apart.max()))


@contextmanager
def compiler_advice() -> Iterator[None]:
    """Turn the failure of torch.compile to make code in the block into one line that says what to do.

    Raises:
        LiaBenchError: there is no compiler, or it failed.
    """
    try:
        yield
    except RuntimeError as error:
        # Costly to import, and there already where code was to be made.
        from torch._dynamo.exc import ShortenTraceback
        from torch._inductor.exc import CppCompileError, InvalidCxxCompiler

        if not isinstance(error, ShortenTraceback | CppCompileError | InvalidCxxCompiler):
            raise
        cause = getattr(error, "inner_exception", error)
        reason = next((line for line in str(cause).splitlines() if line.strip()), "it gave no reason")
        raise LiaBenchError(
            f"--compile: torch.compile could not make code here ({type(cause).__name__}: {reason.strip()}): "
            "install a C++ compiler, such as g++, or leave --compile out"
        ) from error
