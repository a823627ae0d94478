"""Small values that are made on the CPU and used on a GPU, such as random draws, without waiting for it."""

import torch
from torch import Tensor


def on_device_of(values: Tensor, like: Tensor) -> Tensor:
    """`values` of the CPU on the device of `like`; what a GPU still has to do before is not waited for.

    Random numbers that all devices are to share are drawn on the CPU. A plain copy of them would hold up the program
    until the GPU has done all that it was given before; one out of pinned memory is put in line behind it.
    """
    if like.device.type != "cuda":
        return values.to(like.device)
    # Compiled code cannot pin memory.
    held = values if torch.compiler.is_compiling() else values.pin_memory()
    return held.to(like.device, non_blocking=True)
