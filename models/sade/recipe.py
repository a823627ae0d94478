"""How SADE is trained."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from lia_bench.models.blocks.equivariance import PlaneTransformation, position_equivariance
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.sade.animator import SadeAnimator
from lia_bench.models.sade.configuration import SadeConfiguration
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class SadeRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from a source and references of the same clip, with equivariant keypoints.

    One update of all networks, "generator" and "keypoint_detector" (section 3.4). Nothing else supervises the flows
    or the confidence.
    """

    def __init__(self, experiment: SadeConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
        """
        self.experiment = experiment
        self.animator = SadeAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "keypoint_detector": self.animator.keypoint_detector,
        }
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)
        self.reconstruction = ReconstructionLoss(experiment.loss)
        self.frozen = (self.reconstruction,)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and keypoint detector together."""
        detector = networks["keypoint_detector"]
        views = batch.source[:, None]
        if batch.references is not None:
            views = torch.cat((views, batch.references), dim=1)
        view_keypoints = detector(views.flatten(0, 1)).unflatten(0, views.shape[:2])
        driving_keypoints = detector(batch.driving)
        frames = networks["generator"](views, view_keypoints, driving_keypoints).frames
        losses = self.reconstruction(frames, batch.driving)
        losses |= self._equivariance(detector, batch.driving, driving_keypoints)
        yield Update(("generator", "keypoint_detector"), losses)

    def _equivariance(self, detector: Network, driving: Tensor, keypoints: Tensor) -> dict[str, Tensor]:
        weight = self.experiment.loss.equivariance
        if not weight:
            return {}
        transformation = PlaneTransformation.random(driving, self.experiment.loss.transformation)
        transformed = detector(transformation.transform_frame(driving, align_corners=True))
        return {"equivariance": weight * position_equivariance(keypoints, transformed, transformation)}
