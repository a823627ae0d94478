"""The toy: it blends source and driving frame, against a discriminator, with noise of every generator in its loss."""

import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.configuration import Section
from lia_bench.models.animator import Animator
from lia_bench.models.training.configuration import ExperimentConfiguration
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class ToyModel(Section):
    size: int
    batch_norm: bool = True


class ToyLoss(Section):
    noise: float = 0.1
    adversarial: float = 0.1


class ToyOptimiser(Section):
    rate: float = 0.01
    milestones: tuple[int, ...] = ()


class ToyConfiguration(ExperimentConfiguration):
    model: ToyModel
    loss: ToyLoss = ToyLoss()
    optimiser: ToyOptimiser = ToyOptimiser()


class ToyGenerator(nn.Module):
    def __init__(self, configuration: ToyModel) -> None:
        super().__init__()
        self.first = nn.Conv2d(6, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8) if configuration.batch_norm else nn.Identity()
        self.last = nn.Conv2d(8, 3, 3, padding=1)
        # A weight that no loss reaches, as LIA's noise scales.
        self.dead = nn.Parameter(torch.zeros(1))

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        return torch.sigmoid(self.last(F.relu(self.norm(self.first(torch.cat((source, driving), 1))))))


class ToyAnimator(Animator):
    def __init__(self, configuration: ToyModel) -> None:
        super().__init__()
        self.configuration = configuration
        self.generator = ToyGenerator(configuration)

    @property
    def frame_size(self) -> int:
        return self.configuration.size

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        return source

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        rendered: Tensor = self.generator(encoded.expand_as(driving), driving)
        return rendered


HOLD = "LIA_BENCH_TOY_HOLD"
"""Names a number and a path: a process waits in the iteration of that number, its first being 1, until the path is."""


class ToyRecipe(TrainingRecipe):
    def __init__(self, experiment: ToyConfiguration) -> None:
        self.experiment = experiment
        self.begun = 0
        self.animator = ToyAnimator(experiment.model)
        discriminator = nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4))
        self.networks: dict[str, nn.Module] = {"generator": self.animator.generator, "discriminator": discriminator}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(network.parameters(), lr=experiment.optimiser.rate)
            for name, network in self.networks.items()
        }

    def milestones(self) -> tuple[int, ...]:
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        self.begun += 1
        number, _, path = os.environ.get(HOLD, "").partition(" ")
        while number == str(self.begun) and not Path(path).exists():
            time.sleep(0.01)
        loss = self.experiment.loss
        generated = networks["generator"](batch.source, batch.driving)
        noise = random.random() + np.random.random() + float(torch.rand(()))
        losses = {"l1": (1 + loss.noise * noise) * F.l1_loss(generated, batch.driving)}
        with networks["discriminator"].frozen():
            losses["adversarial"] = loss.adversarial * F.softplus(-networks["discriminator"](generated)).mean()
        yield Update(("generator",), losses)
        real = networks["discriminator"](batch.driving)
        made = networks["discriminator"](generated.detach())
        yield Update(("discriminator",), {"discriminator": F.softplus(-real).mean() + F.softplus(made).mean()})
