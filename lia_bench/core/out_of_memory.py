"""What to do when a GPU's memory does not hold a batch."""

from collections.abc import Iterator
from contextlib import contextmanager

from lia_bench.core.errors import DeviceError


@contextmanager
def batch_size_advice(batch_size: int) -> Iterator[None]:
    """Turn the GPU's lack of memory in the block into an error that names the batch size to try.

    Args:
        batch_size: frames that the block handles at once.

    Raises:
        DeviceError: the memory was not enough.
    """
    import torch

    try:
        yield
    except torch.OutOfMemoryError:
        if batch_size > 1:
            way_out = f"try --batch-size {batch_size // 2}"
        else:
            way_out = "free its memory, name another one with --device, or take --device cpu"
        frames = "1 frame" if batch_size == 1 else f"{batch_size} frames"
        raise DeviceError(f"the GPU is out of memory with {frames} at once: {way_out}") from None
