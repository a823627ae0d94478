"""How LivePortrait's base networks are trained, the first stage of its paper (section 3.1)."""

from collections.abc import Iterator, Mapping

import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.adversarial import PatchDiscriminator, hinge_discriminator, hinge_generator, judged
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.portrait_losses import equivariance, priors, published_hopenet
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.configuration import LivePortraitConfiguration
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

TRAINED_TOGETHER = ("generator", "motion_extractor")


class LivePortraitRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with the source's canonical points.

    One update of generator and motion extractor; then, where the adversarial loss has a weight, one of the
    discriminator on the same prediction. The frames compared are those of the driving frame's size: where more pixels
    come out, the driving frame is enlarged. Its authors published no training code; of their terms those on face and
    lip crops, on landmarks and on identity are not here.
    """

    animator: LivePortraitAnimator

    def __init__(self, experiment: LivePortraitConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: a loss has a weight whose network, VGG19 or Hopenet, is not on this machine.
        """
        self.experiment = experiment
        self.animator = LivePortraitAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {name: self.animator.get_submodule(name) for name in TRAINED_TOGETHER}
        loss = experiment.loss
        if loss.adversarial:
            shape = experiment.discriminator
            self.networks["discriminator"] = PatchDiscriminator(
                3, shape.expansion, shape.cap, shape.blocks, shape.spectral_norm
            )
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)
        self.reconstruction = ReconstructionLoss(loss)
        self.hopenet = published_hopenet() if loss.head_pose else None
        self.frozen = (self.reconstruction,) if self.hopenet is None else (self.reconstruction, self.hopenet)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and motion extractor; then the discriminator where there is one."""
        extractor = networks["motion_extractor"]
        source, driving = extractor(batch.source), extractor(batch.driving)
        # Equation 2: all of the driver but the shape of its face.
        moved = driving._replace(canonical=source.canonical)
        frames = networks["generator"](batch.source, source.points(), moved.points()).frames
        truth = F.interpolate(batch.driving, size=frames.shape[2:], mode="bilinear", antialias=True)
        losses = self.reconstruction(frames, truth)
        losses |= self._equivariance(extractor, batch.driving, source.canonical, moved.points())
        true_angles = None if self.hopenet is None else self.hopenet(batch.driving)
        losses |= priors(self.experiment.loss, moved.points(), driving.angles, driving.expression, true_angles)
        weight = self.experiment.loss.adversarial
        if not weight:
            yield Update(TRAINED_TOGETHER, losses)
            return
        discriminator = networks["discriminator"]
        losses |= judged(discriminator, frames, truth, self.experiment.loss, hinge_generator)
        yield Update(TRAINED_TOGETHER, losses)
        _, real = discriminator(truth)
        _, generated = discriminator(frames.detach())
        yield Update(("discriminator",), {"discriminator": weight * hinge_discriminator(real, generated)})

    def _equivariance(
        self, extractor: Network, driving: Tensor, canonical: Tensor, points: Tensor
    ) -> dict[str, Tensor]:
        weight = self.experiment.loss.equivariance
        if not weight:
            return {}
        transformation = PlaneTransformation.random(driving, self.experiment.loss.transformation)
        frame = transformation.transform_frame(driving, align_corners=False)
        # The canonical points stay the source's: it is the pose that has to follow the transformation.
        transformed = extractor(frame)._replace(canonical=canonical).points()
        return {"equivariance": weight * equivariance(points, transformed, transformation)}
