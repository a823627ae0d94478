"""How X2Face is trained: reconstruction of a frame from another frame of the same clip."""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from lia_bench.models.blocks.reconstruction import PerceptualLoss, Vgg19Features, published_vgg19
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update
from lia_bench.models.x2face.animator import X2FaceAnimator
from lia_bench.models.x2face.configuration import X2FaceConfiguration, X2FaceOptimiser


class X2FaceRecipe(TrainingRecipe):
    """One update of both networks, together "generator".

    The published script has the first stage of the paper's section 3.2 alone, the photometric loss. A weight of
    `perceptual` adds the second stage: features of the generated frame against those of the driving frame, and
    features of the source driven by another clip against those of the source itself.
    """

    def __init__(self, experiment: X2FaceConfiguration, features: Vgg19Features | None = None) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.loss = experiment.loss
        self.perceptual = None
        if self.loss.perceptual:
            self.perceptual = PerceptualLoss(
                features or published_vgg19(), self.loss.scales, (1.0,) * 5, lambda frames: frames
            )
            self.frozen = (self.perceptual,)
        self.animator = X2FaceAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {"generator": self.animator}
        self.optimisers = {"generator": _optimiser(self.animator, experiment.optimiser)}

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Both networks together."""
        if self.perceptual is None:
            frames = networks["generator"](batch.source, batch.driving)
            yield Update(("generator",), {"photometric": self._photometric(frames, batch.driving)})
            return
        # The row before is of another clip; where clips repeat, by chance of the same, which is no harm.
        drivers = torch.cat((batch.driving, batch.driving.roll(1, dims=0)))
        both = networks["generator"](batch.source.repeat(2, 1, 1, 1), drivers)
        frames, _ = both.chunk(2)
        perceptual = self.perceptual(both, torch.cat((batch.driving, batch.source)))
        yield Update(
            ("generator",),
            {
                "photometric": self._photometric(frames, batch.driving),
                # The mean over both halves is half the sum of the paper's two terms.
                "perceptual": 2 * self.loss.perceptual * perceptual,
            },
        )

    def _photometric(self, frames: Tensor, driving: Tensor) -> Tensor:
        return self.loss.photometric * F.l1_loss(frames, driving)


def _optimiser(network: nn.Module, optimiser: X2FaceOptimiser) -> Optimizer:
    rate, momentum = optimiser.learning_rate, optimiser.momentum
    if optimiser.method == "adam":
        return Adam(network.parameters(), lr=rate, betas=(momentum, 0.999))
    return SGD(network.parameters(), lr=rate, momentum=momentum)
