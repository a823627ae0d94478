"""How LIA is trained: reconstruction of a frame from another frame of the same clip, against a discriminator."""

from collections.abc import Iterator, Mapping

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lia_bench.models.blocks.adversarial import non_saturating_discriminator, non_saturating_generator, r1_penalty
from lia_bench.models.blocks.reconstruction import PerceptualLoss, Vgg19Features, published_vgg19
from lia_bench.models.lia.animator import LiaAnimator
from lia_bench.models.lia.configuration import LiaConfiguration, LiaOptimiser
from lia_bench.models.lia.discriminator import Discriminator
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

SCALES = (1.0, 0.5, 0.25, 0.125)
# Updates of the discriminator between two R1 penalties, and StyleGAN2's like number for the generator: learning
# rates and betas are corrected for both, as published, whether or not a penalty is in use.
R1_INTERVAL = 16
GENERATOR_RATIO = 4 / 5
DISCRIMINATOR_RATIO = R1_INTERVAL / (R1_INTERVAL + 1)


class LiaRecipe(TrainingRecipe):
    """One update of the generator, then one of the discriminator on the same picture.

    Networks are "generator" (the animator) and, with an adversarial loss, "discriminator".
    """

    animator: LiaAnimator

    def __init__(self, experiment: LiaConfiguration, features: Vgg19Features | None = None) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.loss = experiment.loss
        self.perceptual = None
        if self.loss.perceptual:
            weights = (self.loss.perceptual,) * 5
            self.perceptual = PerceptualLoss(features or published_vgg19(), SCALES, weights, _to_unit_range)
            self.frozen = (self.perceptual,)
        self.animator = LiaAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {"generator": self.animator}
        self.optimisers: dict[str, Optimizer] = {
            "generator": _adam(self.animator, experiment.optimiser, GENERATOR_RATIO)
        }
        if self.loss.adversarial:
            discriminator = Discriminator(experiment.model)
            self.networks["discriminator"] = discriminator
            self.optimisers["discriminator"] = _adam(discriminator, experiment.optimiser, DISCRIMINATOR_RATIO)

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator; discriminator; after every sixteenth of these the R1 penalty, where it has a weight."""
        source, driving = batch.source * 2 - 1, batch.driving * 2 - 1
        generated = networks["generator"](source, driving)
        losses = self._reconstruction(generated, driving)
        if not self.loss.adversarial:
            yield Update(("generator",), losses)
            return
        discriminator = networks["discriminator"]
        with discriminator.frozen():
            losses["adversarial"] = self.loss.adversarial * non_saturating_generator(discriminator(generated))
        yield Update(("generator",), losses)
        loss = non_saturating_discriminator(discriminator(driving), discriminator(generated.detach()))
        yield Update(("discriminator",), {"discriminator": loss})
        if self.loss.r1 and self._discriminator_updates() % (R1_INTERVAL + 1) == R1_INTERVAL:
            driving.requires_grad_()
            with discriminator.twice_differentiable():
                penalty = r1_penalty(driving, discriminator(driving))
            yield Update(("discriminator",), {"r1": self.loss.r1 / 2 * R1_INTERVAL * penalty})

    def readings(self) -> dict[str, float]:
        """How far the dictionary's directions are from orthonormal."""
        dictionary = self.animator.dictionary
        return {"orthogonality_error": dictionary.orthogonality_error()} if dictionary else {}

    def _reconstruction(self, generated: Tensor, driving: Tensor) -> dict[str, Tensor]:
        losses = {}
        if self.loss.l1:
            losses["l1"] = self.loss.l1 * F.l1_loss(generated, driving)
        if self.perceptual is not None:
            losses["perceptual"] = self.perceptual(generated, driving)
        return losses

    def _discriminator_updates(self) -> int:
        # Adam counts its updates in a state that is saved with it, so a resumed training keeps the rhythm.
        counts = (state["step"] for state in self.optimisers["discriminator"].state.values())
        return int(next(counts))


def _adam(network: nn.Module, optimiser: LiaOptimiser, ratio: float) -> Adam:
    betas = (optimiser.beta1**ratio, optimiser.beta2**ratio)
    return Adam(network.parameters(), lr=optimiser.learning_rate * ratio, betas=betas)


def _to_unit_range(image: Tensor) -> Tensor:
    # No gradient outside [-1, 1], as the published weights were trained.
    return image.clamp(-1, 1) * 0.5 + 0.5
