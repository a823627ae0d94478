"""The model: its configuration, its network, and how it is trained."""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lia_bench.core.configuration import Section
from lia_bench.models.animator import Animator
from lia_bench.models.training.configuration import ExperimentConfiguration
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class BlendModel(Section):
    """Side of the frames in pixels, and the share of the driving frame before training."""

    size: int
    share: float = 0.1


class BlendLoss(Section):
    """Weights of the terms: of L1 between pixels, and of L1 between the frames' mean colours; one of 0 is left out."""

    l1: float = 1.0
    colour: float = 0.0


class BlendOptimiser(Section):
    """Of Adam."""

    learning_rate: float


class BlendConfiguration(ExperimentConfiguration):
    """What a file in variants/ holds, beside `data` and `schedule`, which all models have."""

    model: BlendModel
    loss: BlendLoss = BlendLoss()
    optimiser: BlendOptimiser


class Blend(Animator):
    """The source, changed by a share of what the driving frame differs from it, or from the first driving frame."""

    def __init__(self, configuration: BlendModel) -> None:
        super().__init__()
        self.configuration = configuration
        self.share = nn.Parameter(torch.tensor(configuration.share))

    @property
    def frame_size(self) -> int:
        """Side in pixels."""
        return self.configuration.size

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> tuple[Tensor, Tensor]:
        """The source, and the frame that changes are measured from: both (1, 3, H, W)."""
        return source, source if transfer == "absolute" else first_driving

    def render(self, encoded: tuple[Tensor, Tensor], driving: Tensor) -> Tensor:
        """The blend for every driving frame: (B, 3, H, W)."""
        source, origin = encoded
        return source + self.share * (driving - origin)

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Frames for pairs in training: (B, 3, H, W)."""
        return self.render((source, source), driving)


class BlendRecipe(TrainingRecipe):
    """The blend against the driving frame; a term's name is that of its weight, and of its column in metrics.csv."""

    def __init__(self, experiment: BlendConfiguration) -> None:
        self.loss = experiment.loss
        self.animator = Blend(experiment.model)
        self.networks: dict[str, nn.Module] = {"blend": self.animator}
        self.optimisers: dict[str, Optimizer] = {
            "blend": Adam(self.animator.parameters(), lr=experiment.optimiser.learning_rate)
        }

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """One step of the one network."""
        generated = networks["blend"](batch.source, batch.driving)
        losses = {}
        if self.loss.l1:
            losses["l1"] = self.loss.l1 * F.l1_loss(generated, batch.driving)
        if self.loss.colour:
            losses["colour"] = self.loss.colour * F.l1_loss(generated.mean((2, 3)), batch.driving.mean((2, 3)))
        yield Update(("blend",), losses)
