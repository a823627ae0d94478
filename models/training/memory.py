"""What training need not keep: activations that can be computed again, and the optimiser states of other processes."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.checkpoint import checkpoint


def recompute_blocks(network: nn.Module) -> int:
    """From now on, keep of each block's activations in training its inputs alone; how many blocks there are.

    What lies between is computed again when gradients come to the block, which takes a further forward pass. Blocks are
    the modules with layers of their own that stand in a sequence or list, and of these the innermost. Names of weights
    stay, and so do gradients up to rounding: running statistics, power iterations and random numbers are those of the
    first pass.
    """
    blocks = list(dict.fromkeys(_blocks(network)))
    for block in blocks:
        # The module stays what it is, for whoever looks for its kind or for its weights.
        setattr(block, "forward", _Recomputed(block))  # noqa: B010
    return len(blocks)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        inside = list(_blocks(child))
        if not inside and isinstance(module, nn.ModuleList | nn.Sequential) and any(True for _ in child.children()):
            yield child
        yield from inside


class _Recomputed:
    """A block's forward pass, run once more in the backward pass as it was run before."""

    def __init__(self, block: nn.Module) -> None:
        self._block = block
        self._forward = block.forward

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        if not (self._block.training and torch.is_grad_enabled()):
            return self._forward(*inputs, **named)
        state = _State(self._block)
        first: AbstractContextManager[None] = nullcontext()
        return checkpoint(self._forward, *inputs, use_reentrant=False, context_fn=lambda: (first, state), **named)


class _State(AbstractContextManager[None]):
    """What a block's first pass found: which weights learn, and its buffers. Inside, it is so again.

    May be entered often: a penalty on gradients is differentiated twice, and its blocks are computed again as often.
    """

    def __init__(self, block: nn.Module) -> None:
        self._block = block
        self._then = self._as_it_is()
        self._now: list[_Found] = []

    def __enter__(self) -> None:
        self._now.append(self._as_it_is())
        _set(*self._then)

    def __exit__(self, *error: object) -> None:
        _set(*self._now.pop())

    def _as_it_is(self) -> "_Found":
        learning = [(weight, weight.requires_grad) for weight in self._block.parameters()]
        return learning, [(buffer, buffer.clone()) for buffer in self._block.buffers()]


_Found = tuple[list[tuple[nn.Parameter, bool]], list[tuple[Tensor, Tensor]]]


def _set(learning: list[tuple[nn.Parameter, bool]], buffers: list[tuple[Tensor, Tensor]]) -> None:
    for weight, learns in learning:
        weight.requires_grad_(learns)
    for buffer, value in buffers:
        # Around the count of changes, by which backward passes of other layers know that a kernel is as they saw it.
        buffer.data.copy_(value)


def sharded(optimiser: Optimizer) -> Optimizer:
    """The same optimiser with its state divided among the processes of the run: each keeps and steps a share.

    Zero redundancy, stage 1 (Rajbhandari et al., 2020), by torch. To be called when the processes have joined.
    """
    from torch.distributed.optim import ZeroRedundancyOptimizer

    shares = ZeroRedundancyOptimizer([dict(group) for group in optimiser.param_groups], optimizer_class=type(optimiser))
    # Gradients are clipped by all weights together, whoever steps them.
    for hook in optimiser._optimizer_step_pre_hooks.values():
        shares.register_step_pre_hook(hook)
    return shares


def own_share(optimiser: Optimizer) -> Optimizer:
    """The optimiser that holds this process's share of a sharded one's state; any other as it is."""
    share: Optimizer = getattr(optimiser, "optim", optimiser)
    return share


def gather_states(optimisers: Iterable[Optimizer]) -> None:
    """Bring the states of sharded optimisers to the first process, whose `state_dict` then has all of them.

    To be called by all processes. What is saved so is what one process alone would save.
    """
    for optimiser in optimisers:
        gather = getattr(optimiser, "consolidate_state_dict", None)
        if gather is not None:
            gather()
