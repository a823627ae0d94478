"""Leaving mixed precision for a few operations."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def without_autocast(device: torch.device) -> AbstractContextManager[Any]:
    """A context in which operations on `device` compute in the precision of what they are given.

    On a device that has no mixed precision, such as meta, there is nothing to leave.
    """
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
