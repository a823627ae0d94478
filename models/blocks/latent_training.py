"""How latent animators are trained: reconstruction of a frame of the same clip, against StyleGAN2's discriminator."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lia_bench.models.animator import Animator
from lia_bench.models.blocks.adversarial import non_saturating_discriminator, non_saturating_generator, r1_penalty
from lia_bench.models.blocks.configuration import LatentLoss, LatentOptimiser
from lia_bench.models.blocks.reconstruction import PerceptualLoss, Vgg19Features, published_vgg19
from lia_bench.models.blocks.stylegan2 import ActivatedConvolution, ActivatedLinear, EqualisedLinear, ResidualDown
from lia_bench.models.training.memory import own_share
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

# Updates of the discriminator between two R1 penalties, and StyleGAN2's like number for the generator: learning
# rates and betas are corrected for both, as published, whether or not a penalty is in use.
R1_INTERVAL = 16
GENERATOR_RATIO = 4 / 5
DISCRIMINATOR_RATIO = R1_INTERVAL / (R1_INTERVAL + 1)
GROUP = 4


class Discriminator(nn.Module):
    """Residual blocks down to 4x4, the minibatch's deviation as one more channel, and two linear layers."""

    def __init__(self, channels: Callable[[int], int], resolutions: Sequence[int]) -> None:
        """`channels`: width at a side in pixels. `resolutions`: 8, 16, ... up to the frames' side."""
        super().__init__()
        self.stem = ActivatedConvolution(3, channels(resolutions[-1]), 1)
        self.blocks = nn.Sequential(
            *(ResidualDown(channels(resolution), channels(resolution // 2)) for resolution in reversed(resolutions))
        )
        self.last = ActivatedConvolution(channels(4) + 1, channels(4), 3, padding=1)
        self.hidden = ActivatedLinear(channels(4) * 16, channels(4))
        self.score = EqualisedLinear(channels(4), 1)

    def forward(self, image: Tensor) -> Tensor:
        """Images (B, 3, size, size) in [-1, 1] to logits (B, 1), high where they look real."""
        feature = self.blocks(self.stem(image))
        feature = torch.cat((feature, minibatch_deviation(feature)), dim=1)
        score: Tensor = self.score(self.hidden(self.last(feature).flatten(1)))
        return score


def minibatch_deviation(feature: Tensor) -> Tensor:
    """Standard deviation within groups of the batch, averaged to a number a group: (B, 1, H, W).

    Groups have four members, or the largest number below that divides the batch.
    """
    count, _, height, width = feature.shape
    group = next(size for size in range(min(GROUP, count), 0, -1) if count % size == 0)
    members = feature.float().reshape(group, count // group, *feature.shape[1:])
    deviation = (members.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    return deviation.repeat(group)[:, None, None, None].expand(-1, 1, height, width).to(feature.dtype)


class LatentRecipe(TrainingRecipe):
    """One update of the generator, then one of the discriminator on the same picture.

    Networks are "generator" (the animator) and, with an adversarial loss, "discriminator".
    """

    def __init__(
        self,
        animator: Callable[[], Animator],
        discriminator: Callable[[], Discriminator],
        loss: LatentLoss,
        optimiser: LatentOptimiser,
        features: Vgg19Features | None = None,
    ) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.loss = loss
        self.perceptual = None
        if self.loss.perceptual:
            weights = (self.loss.perceptual,) * 5
            self.perceptual = PerceptualLoss(features or published_vgg19(), loss.scales, weights, _to_unit_range)
            self.frozen = (self.perceptual,)
        self.animator = animator()
        self.networks: dict[str, nn.Module] = {"generator": self.animator}
        self.optimisers: dict[str, Optimizer] = {"generator": _adam(self.animator, optimiser, GENERATOR_RATIO)}
        if self.loss.adversarial:
            self.networks["discriminator"] = discriminator()
            self.optimisers["discriminator"] = _adam(self.networks["discriminator"], optimiser, DISCRIMINATOR_RATIO)
            self._updates_done = UpdateCount(self.optimisers["discriminator"])

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator; discriminator; after every sixteenth of these the R1 penalty, where it has a weight."""
        source, driving = batch.source * 2 - 1, batch.driving * 2 - 1
        generated, losses = self.generated(networks["generator"], source, driving)
        losses |= self._reconstruction(generated, driving)
        if not self.loss.adversarial:
            yield Update(("generator",), losses)
            return
        discriminator = networks["discriminator"]
        with discriminator.frozen():
            losses["adversarial"] = self.loss.adversarial * non_saturating_generator(discriminator(generated))
        yield Update(("generator",), losses)
        loss = non_saturating_discriminator(discriminator(driving), discriminator(generated.detach()))
        yield Update(("discriminator",), {"discriminator": loss})
        if self.loss.r1 and self._updates_done.count % (R1_INTERVAL + 1) == R1_INTERVAL:
            driving.requires_grad_()
            with discriminator.twice_differentiable():
                penalty = r1_penalty(driving, discriminator(driving))
            yield Update(("discriminator",), {"r1": self.loss.r1 / 2 * R1_INTERVAL * penalty})

    def generated(self, generator: Network, source: Tensor, driving: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The picture for a pair in [-1, 1], and weighted losses of what led to it; a model may have some."""
        return generator(source, driving), {}

    def _reconstruction(self, generated: Tensor, driving: Tensor) -> dict[str, Tensor]:
        losses = {}
        if self.loss.l1:
            losses["l1"] = self.loss.l1 * F.l1_loss(generated, driving)
        if self.perceptual is not None:
            losses["perceptual"] = self.perceptual(generated, driving)
        return losses


class UpdateCount:
    """How often an optimiser has stepped, its saved steps included, so that a resumed training keeps a rhythm.

    Attributes:
        count: steps, as far as they have begun since this was made.
    """

    def __init__(self, optimiser: Optimizer) -> None:
        """Counts from now on; what was done before is read off the optimiser's state when it next steps."""
        self.count = 0
        self._known = False
        # A sharded optimiser takes hooks of this kind over.
        optimiser.register_step_pre_hook(self._take)
        optimiser.register_load_state_dict_post_hook(self._forget)

    def _take(self, stepping: Optimizer, arguments: Any, keywords: Any) -> None:
        if not self._known:
            # Adam counts in its state, which on a GPU lies there: it is asked once, and not at every step.
            states = own_share(stepping).state.values()
            self.count = next((int(state["step"]) for state in states if "step" in state), 0)
            self._known = True
        self.count += 1

    def _forget(self, optimiser: Optimizer) -> None:
        self._known = False


def _adam(network: nn.Module, optimiser: LatentOptimiser, ratio: float) -> Adam:
    betas = (optimiser.beta1**ratio, optimiser.beta2**ratio)
    return Adam(network.parameters(), lr=optimiser.learning_rate * ratio, betas=betas)


def _to_unit_range(image: Tensor) -> Tensor:
    # No gradient outside [-1, 1], as the published weights were trained.
    return image.clamp(-1, 1) * 0.5 + 0.5
