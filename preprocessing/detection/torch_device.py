"""The device that a detector of torch is loaded on."""

from typing import TYPE_CHECKING

from lia_bench.core.errors import DeviceError

if TYPE_CHECKING:
    import torch


def torch_device(name: str) -> "torch.device":
    """The device called `name`, as "cpu", "cuda" or "cuda:1".

    Raises:
        DeviceError: there is none of that name on this machine.
    """
    import torch

    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise DeviceError(f"--device {name}: no such device on this machine; leave it out to use the CPU") from None
    return device
