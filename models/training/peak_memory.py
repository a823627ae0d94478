"""How much memory a training process has taken at most."""

import sys

import torch

MEBIBYTE = 2**20


def peak_memory(device: torch.device) -> float:
    """MiB: of tensors on a GPU; on the CPU of the whole process, without those that decode frames."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MEBIBYTE
    import resource

    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEBIBYTE
