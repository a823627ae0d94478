"""The random generators of a training process, and numbers that depend on a seed and a place alone."""

import random
from enum import IntEnum
from typing import Any

import numpy as np
import torch

from lia_bench.models.training.hardware import Fabric


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


def gathered(fabric: Fabric) -> list[dict[str, Any]]:
    """What `capture` gives in every process of the run, in the order of their ranks."""
    if fabric.world_size == 1:
        return [capture()]
    states: list[Any] = [None] * fabric.world_size
    torch.distributed.all_gather_object(states, capture())
    return states


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


class Stream(IntEnum):
    """What numbers are drawn for; streams of one seed are independent of each other."""

    ORDER = 0
    SAMPLE = 1
    PROCESS = 2


def generator(seed: int, stream: Stream, outer: int = 0, inner: int = 0) -> np.random.Generator:
    """The generator of one place, such as (epoch, sample): Philox, keyed by seed and stream.

    `seed`, `outer` and `inner` are at least 0; each place has 2**64 blocks of numbers for itself.
    """
    key = np.array([seed, stream], dtype=np.uint64)
    counter = np.array([0, inner, outer, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
