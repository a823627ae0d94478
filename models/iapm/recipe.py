"""How IAPM is trained."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.reconstruction import PerceptualLoss, Vgg19Features, published_vgg19
from lia_bench.models.iapm.animator import IapmAnimator
from lia_bench.models.iapm.colours import changed_colours
from lia_bench.models.iapm.configuration import IapmConfiguration
from lia_bench.models.iapm.generator import Painted
from lia_bench.models.iapm.masks import perturbed_for_training
from lia_bench.models.training.augmentation import ColourChange
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

# A refinement of masks that mean nothing yet would learn nothing: it waits for the second epoch.
REFINEMENT_EPOCH = 1


class IapmRecipe(TrainingRecipe):
    """Reconstruction of a driving frame in two phases, and of its mask from a perturbed one.

    One update of both networks, "generator" and "mask_generator".
    """

    def __init__(self, experiment: IapmConfiguration, features: Vgg19Features | None = None) -> None:
        """`features`: VGG19 for the perceptual loss; by default the published one on this machine.

        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
            InputError: a refinement that is not there is to learn.
        """
        if experiment.loss.refinement and not experiment.model.refinement:
            raise InputError("there is no refinement to learn: set loss.refinement=0 with model.refinement=null")
        self.experiment = experiment
        self.animator = IapmAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "mask_generator": self.animator.mask_generator,
        }
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)
        self.perceptual = None
        loss = experiment.loss
        if loss.perceptual:
            weights = [loss.perceptual if layer < loss.perceptual_layers else 0.0 for layer in range(5)]
            self.perceptual = PerceptualLoss(features or published_vgg19(), loss.scales, weights, lambda image: image)
            self.frozen = (self.perceptual,)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Both networks together; the refinement of masks from the second epoch on."""
        source, target, driving = self.varied(batch)
        source_mask, driving_mask = networks["mask_generator"](source), networks["mask_generator"](driving)
        refining = self.experiment.loss.refinement and batch.epoch >= REFINEMENT_EPOCH
        perturbed = self._perturbed(driving_mask) if refining else None
        generated = networks["generator"](source, source_mask, driving_mask, perturbed)
        losses = self._reconstruction(generated.frames, target)
        if generated.refined is not None:
            difference = F.l1_loss(generated.refined, driving_mask.detach())
            losses["refinement"] = self.experiment.loss.refinement * difference
        yield Update(("generator", "mask_generator"), losses)

    def _perturbed(self, driving_mask: Tensor) -> Tensor:
        model = self.experiment.model
        return perturbed_for_training(driving_mask, model.threshold) if model.perturbation else driving_mask

    def varied(self, batch: PairBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Source, the frame to be painted, and the driving frame as the mask generator sees it, each as the batch's.

        One draw of colours a row for the first two, another for the last: a mask must not tell colours.
        """
        random = np.random.default_rng(int(torch.randint(2**62, ())))
        draws = [ColourChange.draw(self.experiment.jitter, random) for _ in range(2 * len(batch.source))]
        # Of each row the draw of the pair, then that of the driving frame.
        pairs = changed_colours(torch.stack((batch.source, batch.driving), dim=1), draws[::2])
        driving = changed_colours(batch.driving[:, None], draws[1::2])
        return pairs[:, 0], pairs[:, 1], driving[:, 0]

    def _reconstruction(self, frames: Painted, target: Tensor) -> dict[str, Tensor]:
        losses = {}
        for phase, generated in frames._asdict().items():
            if self.perceptual is not None:
                losses[f"perceptual_{phase}"] = self.perceptual(generated, target)
            if self.experiment.loss.l1:
                losses[f"l1_{phase}"] = self.experiment.loss.l1 * F.l1_loss(generated, target)
        return losses
