"""How TPSMM is trained: reconstruction of a frame from another of the same clip."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lia_bench.models.blocks.equivariance import (
    EuclideanKernel,
    PlaneTransformation,
    difference_from_identity,
    position_equivariance,
)
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.blocks.small_tensors import multiply
from lia_bench.models.blocks.transfer import random_axis_scale
from lia_bench.models.tpsmm.animator import TpsmmAnimator
from lia_bench.models.tpsmm.configuration import TpsmmConfiguration
from lia_bench.models.training.optimisers import clip_before_step
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

CLIPPED = ("dense_motion", "keypoint_detector", "background_predictor")


class TpsmmRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with equivariant keypoints.

    One update of all networks that make the frame, the background predictor from its first epoch on; then one of
    the disentanglement network on the same keypoints. The authors train that network afterwards, on its own.
    """

    def __init__(self, experiment: TpsmmConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.experiment = experiment
        optimiser = experiment.optimiser
        self.reconstruction = ReconstructionLoss(experiment.loss)
        self.frozen = (self.reconstruction,)
        self.animator = TpsmmAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "inpainting_network": self.animator.inpainting_network,
            "dense_motion": self.animator.dense_motion,
            "keypoint_detector": self.animator.keypoint_detector,
        }
        if self.animator.background_predictor is not None:
            self.networks["background_predictor"] = self.animator.background_predictor
        self.optimisers: dict[str, Optimizer] = {
            name: Adam(
                network.parameters(),
                lr=optimiser.learning_rate,
                betas=optimiser.betas,
                weight_decay=optimiser.weight_decay,
            )
            for name, network in self.networks.items()
        }
        for name in self.networks.keys() & CLIPPED:
            clip_before_step(self.optimisers[name], optimiser.gradient_limit, norm=math.inf)
        if self.animator.disentanglement is not None:
            self.networks["disentanglement"] = self.animator.disentanglement
            self.optimisers["disentanglement"] = Adam(
                self.animator.disentanglement.parameters(), lr=optimiser.disentanglement, betas=optimiser.betas
            )

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """The networks that make the frame; then the disentanglement network where it is trained."""
        loss = self.experiment.loss
        stepping = ["inpainting_network", "dense_motion", "keypoint_detector"]
        losses: dict[str, Tensor] = {}
        detector = networks["keypoint_detector"]
        source_keypoints, driving_keypoints = detector(batch.source), detector(batch.driving)
        background = None
        if "background_predictor" in networks and batch.epoch >= loss.background_from:
            stepping.append("background_predictor")
            predictor = networks["background_predictor"]
            background = predictor(batch.source, batch.driving)
            if loss.background:
                back = predictor(batch.driving, batch.source)
                losses["background"] = loss.background * background_cycle(background, back)
        chance = loss.dropout.chance(batch.epoch)
        motion = networks["dense_motion"](batch.source, source_keypoints, driving_keypoints, background, chance)
        painted = networks["inpainting_network"](batch.source, batch.driving, motion)
        losses |= self.reconstruction(painted.frames, batch.driving)
        if loss.warp:
            losses["warp"] = loss.warp * warp_difference(painted.warped, painted.driving)
        if loss.equivariance_value:
            transformation = PlaneTransformation.random(batch.driving, loss.transformation, EuclideanKernel())
            transformed = detector(transformation.transform_frame(batch.driving, align_corners=True))
            value = position_equivariance(driving_keypoints, transformed, transformation)
            losses["equivariance_value"] = loss.equivariance_value * value
        yield Update(tuple(stepping), losses)
        if "disentanglement" in networks:
            value = self._disentanglement(
                networks["disentanglement"], source_keypoints.detach(), driving_keypoints.detach()
            )
            yield Update(("disentanglement",), {"disentanglement": loss.disentanglement * value})

    def _disentanglement(self, network: Network, source: Tensor, driving: Tensor) -> Tensor:
        """Mean absolute error of the driving keypoints (B, K, 2), from the source's and their own, stretched."""
        stretched = driving * random_axis_scale(driving, self.experiment.loss.axis_scale)
        return F.l1_loss(network(source.flatten(1), stretched.flatten(1)), driving.flatten(1))


def warp_difference(warped: Sequence[Tensor], driving: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of warped and driving encoder maps (B, C, h, w), summed over the levels.

    TPSMM section 3.3, as `background_cycle`.
    """
    return torch.stack([F.l1_loss(one, other) for one, other in zip(warped, driving, strict=True)]).sum()


def background_cycle(there: Tensor, back: Tensor) -> Tensor:
    """Mean |1 - M(source, driving) M(driving, source)| over the entries of matrices (B, 3, 3)."""
    return difference_from_identity(multiply(there, back))
