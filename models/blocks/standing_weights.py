"""What a network makes of its weights alone, made once for as long as they stand still."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn

KEPT_BYTES = 2**30
"""What does not fit in is made anew at each use: a model of a billion weights is not held twice."""


class StandingWeights:
    """The time in which weights do not change, such as an animation: a network of few frames gains as much as of many.

    Outside of it, as in training, nothing is kept.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[nn.Module, Callable[..., Tensor]], Tensor] = {}
        self._room = KEPT_BYTES

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Inside, `made_once` keeps what it makes, until this object goes."""
        token = _standing.set(self)
        try:
            yield
        finally:
            _standing.reset(token)

    def made(self, owner: nn.Module, make: Callable[..., Tensor], weights: tuple[Any, ...]) -> Tensor:
        """As `made_once`."""
        key = owner, make
        if key in self._kept:
            return self._kept[key]
        value = make(*weights)
        if value.ndim == 4 and value.device.type == "cpu":
            # A processor convolves maps fastest whose channels lie last, and they come to lie as kernels do.
            value = value.contiguous(memory_format=torch.channels_last)
        size = value.numel() * value.element_size()
        if size <= self._room:
            self._room -= size
            self._kept[key] = value
        return value


_standing: ContextVar[StandingWeights | None] = ContextVar("standing_weights", default=None)


def weights_stand(features: Tensor) -> bool:
    """Whether `features` meet finished weights, in float32 on a processor: ways that suit those may be taken.

    Where a network is trained, exported or compiled it is computed as it is written.
    """
    return (
        _standing.get() is not None
        and features.device.type == "cpu"
        and features.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and not torch.compiler.is_compiling()
    )


def made_once(owner: nn.Module, make: Callable[..., Tensor], *weights: Any) -> Tensor:
    """`make(*weights)`; while weights stand still, what was made of them for `owner` before.

    Args:
        owner: whose weights they are.
        make: a function of a module, by which the result is found again.
        weights: and numbers.
    """
    standing = _standing.get()
    if standing is None or torch.compiler.is_compiling():
        return make(*weights)
    return standing.made(owner, make, weights)
