"""One iteration: the recipe's updates, each back-propagated over all parts of the batch before its step; its numbers.

Losses and norms are on their way from the device and are read when the next iteration is under way.
"""

import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lia_bench.models.training.hardware import Fabric
from lia_bench.models.training.memory import recompute_blocks, sharded
from lia_bench.models.training.optimisers import fuse
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class SharedNetwork(Network):
    """A network that Fabric set up; held still, it neither trains nor takes part in gradient exchange."""

    def __init__(self, module: nn.Module, fabric: Fabric) -> None:
        super().__init__(module)
        self._fabric = fabric

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, gradients flow through the network but not to its weights."""
        # A forward pass would else make DDP wait for gradients of weights that get none.
        with self.apart(), super().frozen():
            yield

    def apart(self) -> AbstractContextManager[Any]:
        """Inside, gradients are not exchanged with the other processes."""
        return self._fabric.no_backward_sync(self.module)  # type: ignore[arg-type]


@dataclass(frozen=True)
class StepResult:
    """What an iteration gave in this process, scalars on the device.

    Attributes:
        losses: weighted terms by name, means over the parts of the batch.
        gradient_norms: 2-norm of each network's gradient by name, before any clipping; where a network was updated
            more than once, the largest.
    """

    losses: Mapping[str, Tensor]
    gradient_norms: Mapping[str, Tensor]


class Step:
    """Takes a recipe's networks and optimisers into Fabric's hands and trains them, a batch at a time."""

    def __init__(
        self,
        fabric: Fabric,
        recipe: TrainingRecipe,
        parts: int,
        *,
        compiled: bool = False,
        channels_last: bool = False,
        checkpoint_activations: bool = False,
        shard_optimisers: bool = False,
    ) -> None:
        """`parts`: a batch is computed in so many, one after the other; the rest as in `Hardware`."""
        self._fabric = fabric
        self._recipe = recipe
        self._parts = parts
        self._networks: dict[str, SharedNetwork] = {}
        self._optimisers: dict[str, Any] = {}
        for name, network in recipe.networks.items():
            network.train()
            if checkpoint_activations:
                recompute_blocks(network)
            if shard_optimisers:
                # Its shares belong to the device that the weights are on.
                fabric.to_device(network)
                recipe.optimisers[name] = sharded(recipe.optimisers[name])
            self._networks[name], self._optimisers[name] = set_up(
                fabric, network, recipe.optimisers[name], compiled=compiled, channels_last=channels_last
            )
        for module in (recipe.animator, *recipe.frozen):
            fabric.to_device(module)
        for module in recipe.frozen:
            if channels_last:
                module.to(memory_format=torch.channels_last)
            if compiled:
                module.compile()

    def __call__(self, batch: PairBatch) -> StepResult:
        """Train on this process's share of a batch, on the device."""
        losses: dict[str, Tensor] = {}
        norms: dict[str, Tensor] = {}
        parts = [self._recipe.updates(self._networks, part) for part in batch.parts(self._parts)]
        while updated := self._back_propagated(parts, losses):
            for name in updated:
                norm = self._gradient_norm(name)
                norms[name] = torch.maximum(norms[name], norm) if name in norms else norm
                self._optimisers[name].step()
        return StepResult(losses, norms)

    def _back_propagated(self, parts: list[Iterator[Update]], losses: dict[str, Tensor]) -> tuple[str, ...]:
        """Gradients of the next update over all parts; the names of its networks, none where no update is left."""
        updated: tuple[str, ...] = ()
        for number, updates in enumerate(parts, start=1):
            with ExitStack() as alone:
                if number < self._parts:
                    # Gradients are exchanged once they are summed.
                    for network in self._networks.values():
                        alone.enter_context(network.apart())
                with self._fabric.autocast():
                    update = next(updates, None)
                if update is None:
                    return ()
                if number == 1:
                    for name in update.networks:
                        self._optimisers[name].zero_grad()
                self._fabric.backward(self._total(update) / self._parts)
            updated = update.networks
            for name, value in update.losses.items():
                share = value.detach().float() / self._parts
                losses[name] = losses[name] + share if number > 1 else share
        return updated

    def _total(self, update: Update) -> Tensor:
        total = torch.stack(tuple(update.losses.values())).sum()
        if self._fabric.world_size > 1:
            # DDP waits for a gradient of every weight, and a loss need not reach them all (LIA's R1 does not).
            networks = (self._recipe.networks[name] for name in update.networks)
            total = total + sum(0 * weight.sum() for network in networks for weight in network.parameters())
        return total

    def _gradient_norm(self, name: str) -> Tensor:
        gradients = [weight.grad for weight in self._recipe.networks[name].parameters() if weight.grad is not None]
        return torch.nn.utils.get_total_norm(gradients).float()


def set_up(
    fabric: Fabric,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    compiled: bool = False,
    channels_last: bool = False,
) -> tuple[SharedNetwork, Any]:
    """`module` and its optimiser in Fabric's hands: on the device, and in step with the other processes.

    On several GPUs batch norms share their statistics, as FOMM's do. `module` itself is never wrapped: its state
    dict has the same keys whatever it runs on.
    """
    if fabric.device.type == "cuda":
        fuse(optimiser)
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    if channels_last:
        module.to(memory_format=torch.channels_last)
    with warnings.catch_warnings():
        # Its successor leaves the buffers alone later on, but not in torch 2.10, the oldest that runs this.
        warnings.filterwarnings("ignore", message=".*broadcast_buffers.*")
        # Fabric takes what is compiled apart, wraps the module, and compiles DDP with it, which lets the exchange
        # of gradients overlap their computation.
        trained: Any = torch.compile(module) if compiled else module
        wrapped, shared_optimiser = fabric.setup(trained, optimiser)
    return SharedNetwork(wrapped, fabric), shared_optimiser


@dataclass(frozen=True)
class StepNumbers:
    """What an iteration gave, averaged over all processes.

    Attributes:
        step: the iteration, from 1.
        losses, gradient_norms: by name.
        flags: what the processes told each other, by name; above 0 where any of them did.
    """

    step: int
    losses: Mapping[str, float]
    gradient_norms: Mapping[str, float]
    flags: Mapping[str, float]


class LateNumbers:
    """Numbers of iterations in order. On a GPU each comes an iteration late, so that the next one is there to do.

    A program that reads a number of the iteration it has just asked for waits until the GPU has nothing left to do, and
    the GPU then waits for the program. On the CPU, where nothing is done ahead, numbers come at once.
    """

    def __init__(self, fabric: Fabric, late: int | None = None) -> None:
        """`late`: iterations; by default 1 on a GPU and 0 elsewhere."""
        self._fabric = fabric
        self._late = int(fabric.device.type == "cuda") if late is None else late
        self._coming: deque[_Coming] = deque()

    def put(
        self, step: int, losses: Mapping[str, Tensor], gradient_norms: Mapping[str, Tensor], flags: Mapping[str, bool]
    ) -> None:
        """Send the numbers of an iteration, scalars on the device, on their way; to be called by all processes."""
        device = self._fabric.device
        scalars = [*losses.values(), *gradient_norms.values()]
        if self._fabric.world_size > 1:
            # Filled on the device, where a copy of them would be waited for.
            scalars += [torch.full((), float(flag), device=device) for flag in flags.values()]
        names = (tuple(losses), tuple(gradient_norms), dict(flags))
        self._coming.append(_Coming(step, names, mean_over_processes(self._fabric, torch.stack(scalars))))

    def arrived(self, *, everything: bool = False) -> Iterator[StepNumbers]:
        """Those whose turn it is, oldest first; with `everything` all, for which the device is waited for."""
        while len(self._coming) > (0 if everything else self._late):
            yield self._coming.popleft().read()


class _Coming:
    """Numbers of one iteration under way."""

    def __init__(self, step: int, names: tuple[tuple[str, ...], tuple[str, ...], dict[str, bool]], values: Tensor):
        self._step = step
        self._names = names
        # Into pinned memory, which torch takes for copies that are not waited for.
        self._values = values.detach().to("cpu", non_blocking=True)
        self._there = None
        if values.device.type == "cuda":
            self._there = torch.cuda.Event()
            self._there.record()

    def read(self) -> StepNumbers:
        """The numbers, once they are there."""
        if self._there is not None:
            self._there.synchronize()
        losses, norms, flags = self._names
        values = self._values.tolist()
        after = len(losses) + len(norms)
        # One process asks itself.
        agreed = values[after:] or [float(flag) for flag in flags.values()]
        return StepNumbers(
            self._step,
            dict(zip(losses, values, strict=False)),
            dict(zip(norms, values[len(losses) : after], strict=True)),
            dict(zip(flags, agreed, strict=True)),
        )


def mean_over_processes(fabric: Fabric, values: Tensor) -> Tensor:
    """`values` averaged over all processes of the run."""
    reduced = fabric.all_reduce(values, reduce_op="mean")
    assert isinstance(reduced, Tensor)
    return reduced
