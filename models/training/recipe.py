"""What a model adds to the one trainer: its networks, optimisers, and the updates of a step."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lia_bench.models.animator import Animator


@dataclass(frozen=True)
class PairBatch:
    """Frames of one clip a row, in [0, 1].

    Attributes:
        source, driving: each (B, 3, H, W).
        epoch: from 0.
        references: (B, N, 3, H, W), further views of the subject, N as the experiment's `references`; None for 0.
    """

    source: Tensor
    driving: Tensor
    epoch: int = 0
    references: Tensor | None = None

    def parts(self, count: int) -> Iterator["PairBatch"]:
        """The batch in `count` equal parts, every `count`-th row in one.

        So drawn, a statistic over rows that lie a fraction of the batch apart (LIA's discriminator takes one) sees
        the same rows together as in the whole batch.
        """
        for first in range(count):
            references = None if self.references is None else self.references[first::count]
            yield PairBatch(self.source[first::count], self.driving[first::count], self.epoch, references)


@dataclass(frozen=True)
class Update:
    """One optimiser step: the trainer back-propagates the sum of `losses` and steps `networks`.

    Attributes:
        networks: names of the networks whose optimisers step.
        losses: weighted terms, scalars; their names become columns of metrics.csv.
    """

    networks: tuple[str, ...]
    losses: Mapping[str, Tensor]


class Network:
    """A trained network as a recipe sees it: called in a step, or called with its weights held still."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *inputs: Any) -> Any:
        """The network's forward pass."""
        return self.module(*inputs)

    def twice_differentiable(self) -> AbstractContextManager[Any]:
        """Inside, the network's gradients can be differentiated once more, which compiled code cannot do."""
        stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
        return stance

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, gradients flow through the network but not to its weights.

        For the forward pass alone: no `yield` of an update inside, since several parts of a batch take turns there.
        """
        trainable = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        for parameter in trainable:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in trainable:
                parameter.requires_grad_(True)


class TrainingRecipe(ABC):
    """A model in training. Built with the model's whole experiment configuration.

    Attributes:
        animator: what is trained, and what the sample pictures and checkpoints are made from.
        networks: every trained network by name; each is set up apart, and only its `forward` is called in
            training, since a distributed engine hooks there.
        optimisers: one for each name in `networks`.
        frozen: networks that losses need and nobody trains (VGG19); the trainer moves them to the device.
    """

    animator: Animator
    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    frozen: tuple[nn.Module, ...] = ()

    @abstractmethod
    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """The updates of one iteration, in order.

        The trainer zeroes gradients, back-propagates and steps at each `yield`, then goes on with the
        generator; `networks` are the set-up forms of `self.networks`. Of a batch in parts there is one generator
        each, and they take turns: how many updates come, and of which networks, must not depend on the frames.
        """

    def readings(self) -> dict[str, float]:
        """Further numbers of the networks as they are, by column of metrics.csv; read when a row is written."""
        return {}

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return ()
