"""How FOMM is trained."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.patch_discriminator import PatchDiscriminator
from lia_bench.models.blocks.perceptual import PerceptualLoss, Vgg19Features
from lia_bench.models.blocks.soft_keypoints import gaussian_heatmaps
from lia_bench.models.fomm.animator import FommAnimator
from lia_bench.models.fomm.configuration import FommConfiguration
from lia_bench.models.fomm.generator import KEYPOINT_VARIANCE
from lia_bench.models.fomm.keypoint_detector import Keypoints
from lia_bench.models.fomm.losses import (
    PyramidDifference,
    discriminator_adversarial,
    equivariance_jacobian,
    equivariance_value,
    feature_matching,
    generator_adversarial,
)
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
        """
        self.experiment = experiment
        self.animator = FommAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "keypoint_detector": self.animator.keypoint_detector,
        }
        loss = experiment.loss
        if loss.adversarial:
            self.networks["discriminator"] = build_discriminator(experiment)
        rates = experiment.optimiser.model_dump()
        self.optimisers: dict[str, Optimizer] = {
            name: Adam(network.parameters(), lr=rates[name], betas=experiment.optimiser.betas)
            for name, network in self.networks.items()
        }
        self.difference = PyramidDifference(loss.scales)
        self.perceptual = _perceptual(loss.scales) if loss.perceptual else None
        self.frozen = (self.difference,) if self.perceptual is None else (self.difference, self.perceptual)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and keypoint detector; then the discriminator where there is one."""
        detector = networks["keypoint_detector"]
        source_keypoints = detector(batch.source)
        driving_keypoints = detector(batch.driving)
        frames = networks["generator"](batch.source, source_keypoints, driving_keypoints).frames
        losses = self._reconstruction(frames, batch.driving)
        losses |= self._equivariance(detector, batch.driving, driving_keypoints)
        weight = self.experiment.loss.adversarial
        if not weight:
            yield Update(("generator", "keypoint_detector"), losses)
            return
        discriminator = networks["discriminator"]
        seen_real = self._seen(batch.driving, driving_keypoints)
        losses |= self._adversarial(discriminator, self._seen(frames, driving_keypoints), seen_real)
        yield Update(("generator", "keypoint_detector"), losses)
        _, real = discriminator(seen_real)
        _, generated = discriminator(self._seen(frames.detach(), driving_keypoints))
        yield Update(("discriminator",), {"discriminator": weight * discriminator_adversarial(real, generated)})

    def draw_transformation(self, frames: Tensor) -> PlaneTransformation:
        """A random transformation for each of the frames (B, 3, H, W)."""
        shape = self.experiment.loss.transformation
        return PlaneTransformation.random(frames, shape.affine, shape.spline, shape.points)

    def _reconstruction(self, frames: Tensor, driving: Tensor) -> dict[str, Tensor]:
        loss = self.experiment.loss
        losses = {}
        if self.perceptual is not None:
            losses["perceptual"] = loss.perceptual * self.perceptual(frames, driving)
        if loss.l1:
            losses["l1"] = loss.l1 * self.difference(frames, driving)
        return losses

    def _equivariance(self, detector: Network, driving: Tensor, keypoints: Keypoints) -> dict[str, Tensor]:
        loss = self.experiment.loss
        if not (loss.equivariance_value or loss.equivariance_jacobian):
            return {}
        transformation = self.draw_transformation(driving)
        frame = transformation.transform_frame(driving, self.experiment.model.align_corners)
        transformed = detector(frame)
        losses = {}
        if loss.equivariance_value:
            value = equivariance_value(keypoints, transformed, transformation)
            losses["equivariance_value"] = loss.equivariance_value * value
        if loss.equivariance_jacobian:
            jacobian = equivariance_jacobian(keypoints, transformed, transformation)
            losses["equivariance_jacobian"] = loss.equivariance_jacobian * jacobian
        return losses

    def _adversarial(self, discriminator: Network, generated: Tensor, real: Tensor) -> dict[str, Tensor]:
        loss = self.experiment.loss
        with discriminator.frozen():
            maps, score = discriminator(generated)
            losses = {"adversarial": loss.adversarial * generator_adversarial(score)}
            if loss.feature_matching:
                with torch.no_grad():
                    real_maps, _ = discriminator(real)
                losses["feature_matching"] = loss.feature_matching * feature_matching(maps, real_maps)
        return losses

    def _seen(self, frames: Tensor, keypoints: Keypoints) -> Tensor:
        """What the discriminator is shown of frames (B, 3, H, W)."""
        if not self.experiment.discriminator.keypoint_heatmaps:
            return frames
        heatmaps = gaussian_heatmaps(keypoints.position.detach(), KEYPOINT_VARIANCE, *frames.shape[2:])
        return torch.cat((frames, heatmaps), dim=1)


def build_discriminator(experiment: FommConfiguration) -> PatchDiscriminator:
    """The discriminator of a variant; images have 3 channels, and heatmaps one a keypoint."""
    shape = experiment.discriminator
    inputs = 3 + (experiment.model.keypoints if shape.keypoint_heatmaps else 0)
    return PatchDiscriminator(inputs, shape.expansion, shape.cap, shape.blocks, shape.spectral_norm)


def _perceptual(scales: tuple[float, ...]) -> PerceptualLoss:
    from lia_bench.core.torch_weights import load_torch_weights
    from lia_bench.core.weights import locate

    features = Vgg19Features(load_torch_weights(locate("vgg19")))
    return PerceptualLoss(features, scales, weights=(1.0,) * 5, to_unit_range=lambda image: image)
