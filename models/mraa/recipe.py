"""How MRAA is trained."""

from collections.abc import Iterator, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.equivariance import (
    PlaneTransformation,
    carried_back,
    difference_from_identity,
    position_equivariance,
)
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.blocks.transfer import random_axis_scale
from lia_bench.models.mraa.animator import MraaAnimator
from lia_bench.models.mraa.configuration import MraaConfiguration
from lia_bench.models.mraa.networks import Regions, axis_sign, disentangled
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class MraaRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with equivariant regions.

    One update of generator, region predictor and background predictor; then one of the disentanglement network on
    the regions of the same frames, through which no gradient reaches the region predictor. The authors train that
    network afterwards, by itself, on larger batches; alongside, one run gives a model with every transfer mode.
    Networks are "generator", "region_predictor", and perhaps "background_predictor" and "disentanglement".
    """

    def __init__(self, experiment: MraaConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.experiment = experiment
        self.animator = MraaAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "region_predictor": self.animator.region_predictor,
        }
        if self.animator.background_predictor is not None:
            self.networks["background_predictor"] = self.animator.background_predictor
        self.reconstructing = tuple(self.networks)
        rates = dict.fromkeys(self.networks, experiment.optimiser.reconstruction)
        if self.animator.disentanglement is not None:
            self.networks["disentanglement"] = self.animator.disentanglement
            rates["disentanglement"] = experiment.optimiser.disentanglement
        self.optimisers = adam_for_each(self.networks, rates, experiment.optimiser.betas)
        self.reconstruction = ReconstructionLoss(experiment.loss)
        self.frozen = (self.reconstruction,)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator with region and background predictor; then disentanglement where there is one."""
        predictor = networks["region_predictor"]
        source, driving = predictor(batch.source), predictor(batch.driving)
        background = None
        if "background_predictor" in networks:
            background = networks["background_predictor"](batch.source, batch.driving)
        frames = networks["generator"](batch.source, source, driving, background).frames
        losses = self.reconstruction(frames, batch.driving)
        losses |= self._equivariance(predictor, batch.driving, driving)
        yield Update(self.reconstructing, losses)
        if "disentanglement" in networks:
            losses = self._disentanglement(networks["disentanglement"], detached(source), detached(driving))
            yield Update(("disentanglement",), losses)

    def _equivariance(self, predictor: Network, frames: Tensor, driving: Regions) -> dict[str, Tensor]:
        loss = self.experiment.loss
        if not (loss.equivariance_shift or loss.equivariance_affine):
            return {}
        transformation = PlaneTransformation.random(frames, loss.transformation)
        transformed = predictor(transformation.transform_frame(frames, align_corners=False))
        losses = {}
        if loss.equivariance_shift:
            shift = position_equivariance(driving.shift, transformed.shift, transformation)
            losses["equivariance_shift"] = loss.equivariance_shift * shift
        if loss.equivariance_affine:
            affine = equivariance_affine(driving, transformed, transformation)
            losses["equivariance_affine"] = loss.equivariance_affine * affine
        return losses

    def _disentanglement(self, network: Network, source: Regions, driving: Regions) -> dict[str, Tensor]:
        """The driving regions, from the source's and from themselves with their proportions changed."""
        loss = self.experiment.loss
        scale = random_axis_scale(driving.shift, loss.axis_scale)
        moved = disentangled(network, source, stretched(driving, scale))
        losses = {}
        if loss.disentanglement_shift:
            losses["disentanglement_shift"] = loss.disentanglement_shift * F.l1_loss(moved.shift, driving.shift)
        if loss.disentanglement_affine:
            losses["disentanglement_affine"] = loss.disentanglement_affine * F.l1_loss(moved.affine, driving.affine)
        return losses


def equivariance_affine(driving: Regions, transformed: Regions, transformation: PlaneTransformation) -> Tensor:
    """Mean |1 - affine_driving^-1 T'(shift_transformed) affine_transformed|: axes follow a transformation of the frame.

    Up to a sign (MRAA section 3.6).
    """
    product = carried_back(driving.affine, transformed.affine, transformed.shift, transformation)
    return difference_from_identity(product * axis_sign(product))


def detached(regions: Regions) -> Regions:
    """The same regions, through which no gradient flows."""
    return Regions(*(value.detach() for value in regions))


def stretched(regions: Regions, scale: Tensor) -> Regions:
    """Regions (B, K) on a plane whose x and y are multiplied by `scale` (B, 1, 2)."""
    outer = scale[..., :, None] * scale[..., None, :]
    return Regions(regions.shift * scale, regions.covariance * outer, regions.affine * scale[..., None])
