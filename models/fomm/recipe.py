"""How FOMM is trained."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.blocks.adversarial import (
    PatchDiscriminator,
    judged,
    least_squares_discriminator,
    least_squares_generator,
)
from lia_bench.models.blocks.dense_motion import KEYPOINT_VARIANCE
from lia_bench.models.blocks.equivariance import (
    PlaneTransformation,
    carried_back,
    difference_from_identity,
    position_equivariance,
)
from lia_bench.models.blocks.keypoints import gaussian_heatmaps
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.fomm.animator import FommAnimator
from lia_bench.models.fomm.configuration import FommConfiguration
from lia_bench.models.fomm.networks import Keypoints
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class FommRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with equivariant keypoints.

    One update of generator and keypoint detector; then, in the adversarial variants, one of the discriminator
    on the same prediction. Networks are "generator", "keypoint_detector" and perhaps "discriminator".
    """

    def __init__(self, experiment: FommConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: the perceptual loss has a weight and VGG19 is not on this machine.
            InputError: Jacobians that are not estimated are to be equivariant.
        """
        if experiment.loss.equivariance_jacobian and not experiment.model.estimate_jacobian:
            raise InputError(
                "without Jacobians their equivariance cannot be learned: set loss.equivariance_jacobian=0 "
                "with model.estimate_jacobian=false"
            )
        self.experiment = experiment
        self.animator = FommAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "keypoint_detector": self.animator.keypoint_detector,
        }
        loss = experiment.loss
        if loss.adversarial:
            self.networks["discriminator"] = build_discriminator(experiment)
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)
        self.reconstruction = ReconstructionLoss(loss)
        self.frozen = (self.reconstruction,)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and keypoint detector; then the discriminator where there is one."""
        detector = networks["keypoint_detector"]
        source_keypoints = detector(batch.source)
        driving_keypoints = detector(batch.driving)
        frames = networks["generator"](batch.source, source_keypoints, driving_keypoints).frames
        losses = self.reconstruction(frames, batch.driving)
        losses |= self._equivariance(detector, batch.driving, driving_keypoints)
        weight = self.experiment.loss.adversarial
        if not weight:
            yield Update(("generator", "keypoint_detector"), losses)
            return
        discriminator = networks["discriminator"]
        seen_real = self._seen(batch.driving, driving_keypoints)
        seen_generated = self._seen(frames, driving_keypoints)
        losses |= judged(discriminator, seen_generated, seen_real, self.experiment.loss, least_squares_generator)
        yield Update(("generator", "keypoint_detector"), losses)
        _, real = discriminator(seen_real)
        _, generated = discriminator(self._seen(frames.detach(), driving_keypoints))
        yield Update(("discriminator",), {"discriminator": weight * least_squares_discriminator(real, generated)})

    def _equivariance(self, detector: Network, driving: Tensor, keypoints: Keypoints) -> dict[str, Tensor]:
        loss = self.experiment.loss
        if not (loss.equivariance_value or loss.equivariance_jacobian):
            return {}
        transformation = PlaneTransformation.random(driving, loss.transformation)
        frame = transformation.transform_frame(driving, self.experiment.model.align_corners)
        transformed = detector(frame)
        losses = {}
        if loss.equivariance_value:
            value = position_equivariance(keypoints.position, transformed.position, transformation)
            losses["equivariance_value"] = loss.equivariance_value * value
        if loss.equivariance_jacobian:
            jacobian = equivariance_jacobian(keypoints, transformed, transformation)
            losses["equivariance_jacobian"] = loss.equivariance_jacobian * jacobian
        return losses

    def _seen(self, frames: Tensor, keypoints: Keypoints) -> Tensor:
        """What the discriminator is shown of frames (B, 3, H, W)."""
        if not self.experiment.discriminator.keypoint_heatmaps:
            return frames
        heatmaps = gaussian_heatmaps(keypoints.position.detach(), KEYPOINT_VARIANCE, *frames.shape[2:])
        return torch.cat((frames, heatmaps), dim=1)


def equivariance_jacobian(driving: Keypoints, transformed: Keypoints, transformation: PlaneTransformation) -> Tensor:
    """Mean |1 - J_driving^-1 T'(p_transformed) J_transformed|: Jacobians follow a transformation of the frame, too.

    FOMM section 3.3.
    """
    product = carried_back(driving.jacobian, transformed.jacobian, transformed.position, transformation)
    return difference_from_identity(product)


def build_discriminator(experiment: FommConfiguration) -> PatchDiscriminator:
    """The discriminator of a variant; images have 3 channels, and heatmaps one a keypoint."""
    shape = experiment.discriminator
    inputs = 3 + (experiment.model.keypoints if shape.keypoint_heatmaps else 0)
    return PatchDiscriminator(inputs, shape.expansion, shape.cap, shape.blocks, shape.spectral_norm)
