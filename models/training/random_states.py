"""The random generators that a training process draws from: seeded, captured, put back."""

import random
from typing import Any

import numpy as np
import torch

from lia_bench.models.training.random_streams import Stream, generator


def seed_weights(seed: int) -> None:
    """Seed every generator alike in all processes: networks built next have the same weights everywhere."""
    _seed(seed)


def seed_process(seed: int, step: int, rank: int) -> None:
    """Seed every generator for training from iteration `step` on, differently in each process."""
    _seed(int(generator(seed, Stream.PROCESS, step, rank).integers(2**32)))


def capture() -> dict[str, Any]:
    """The states of Python's, numpy's, torch's and this process's GPU generator, as tensors and plain data."""
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (str(name), [int(key) for key in keys], int(position), int(has_gauss), float(cached)),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
    }


def restore(states: dict[str, Any]) -> None:
    """Put back what `capture` gave."""
    random.setstate(states["python"])
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
