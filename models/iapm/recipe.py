"""How IAPM is trained, with a colour jitter of a whole batch at once, each row by a draw of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.reconstruction import PerceptualLoss, Vgg19Features, published_vgg19
from lia_bench.models.blocks.small_tensors import on_device_of
from lia_bench.models.iapm.animator import IapmAnimator
from lia_bench.models.iapm.configuration import IapmConfiguration
from lia_bench.models.iapm.networks import Painted, perturbed_for_training
from lia_bench.models.training.augmentation import ColourChange
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

# A refinement of masks that mean nothing yet would learn nothing: it waits for the second epoch.
REFINEMENT_EPOCH = 1

# Of red, green and blue in a grey level (ITU-R BT.601), as torchvision has them.
GREY = (0.2989, 0.587, 0.114)
KINDS = 4


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


def changed_colours(pictures: Tensor, changes: Sequence[ColourChange]) -> Tensor:
    """Each row as torchvision changes tensors, without rounding: (R, F, 3, H, W) in [0, 1], R changes.

    A row has its changes in an order of its own: at each place in the order every kind of change is made of the rows
    that have it there, by masks, so that how many operations there are does not depend on R.
    """
    places = max((len(change.order) for change in changes), default=0)
    if not places:
        return pictures
    amounts = torch.tensor([[*change.factors, change.hue] for change in changes], dtype=torch.double)
    # Also the complement in double precision, as for a factor that is a number of Python.
    both = on_device_of(torch.stack((amounts, 1 - amounts)).float(), pictures)
    turns = [
        [change.order[place] if place < len(change.order) else -1 for change in changes] for place in range(places)
    ]
    chosen = on_device_of(torch.tensor(turns)[:, None] == torch.arange(KINDS)[:, None], pictures)
    used = sorted({kind for change in changes for kind in change.order})
    for place in range(places):
        made = pictures
        for kind in used:
            factor, rest = (part[:, kind, None, None, None, None] for part in both)
            mask = chosen[place, kind, :, None, None, None, None]
            made = torch.where(mask, CHANGES[kind](pictures, factor, rest), made)
        pictures = made
    return pictures


def _brighter(pictures: Tensor, factor: Tensor, _: Tensor) -> Tensor:
    return (factor * pictures).clamp(0, 1)


def _contrasted(pictures: Tensor, factor: Tensor, rest: Tensor) -> Tensor:
    return (factor * pictures + rest * _grey(pictures).mean(dim=(-3, -2, -1), keepdim=True)).clamp(0, 1)


def _saturated(pictures: Tensor, factor: Tensor, rest: Tensor) -> Tensor:
    return (factor * pictures + rest * _grey(pictures)).clamp(0, 1)


def _turned(pictures: Tensor, turns: Tensor, _: Tensor) -> Tensor:
    """The hue moved on by turns (R, 1, 1, 1, 1), value and saturation kept."""
    value, which = pictures.max(dim=-3, keepdim=True)
    range_ = value - pictures.amin(dim=-3, keepdim=True)
    red, green, blue = pictures.split(1, dim=-3)
    # Where there is no colour there is no hue.
    span = torch.where(range_ > 0, range_, 1.0)
    after_green = torch.where(which == 1, 2 + (blue - red) / span, 4 + (red - green) / span)
    hue = torch.where(which == 0, (green - blue) / span, after_green) + 6 * turns
    # How far a channel lies below the value, by the distance of the hue from that channel's.
    channels = [(start + hue) % 6 for start in (5, 3, 1)]
    below = [torch.minimum(channel, 4 - channel).clamp(0, 1) for channel in channels]
    turned: Tensor = (value - range_ * torch.cat(below, dim=-3)).clamp(0, 1)
    return turned


def _grey(pictures: Tensor) -> Tensor:
    red, green, blue = pictures.split(1, dim=-3)
    grey: Tensor = GREY[0] * red + GREY[1] * green + GREY[2] * blue
    return grey


CHANGES: tuple[Callable[[Tensor, Tensor, Tensor], Tensor], ...] = (_brighter, _contrasted, _saturated, _turned)
"""By the number of their kind in `ColourChange.order`."""
