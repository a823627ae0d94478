"""How face-vid2vid is trained."""

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from lia_bench.models.blocks.adversarial import PatchDiscriminator, hinge_discriminator, hinge_generator, judged
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.head_pose import HeadAngles
from lia_bench.models.blocks.portrait_losses import equivariance, priors, published_hopenet
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.fvv.animator import FvvAnimator
from lia_bench.models.fvv.configuration import FvvConfiguration
from lia_bench.models.fvv.keypoints import frame_keypoints
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

TRAINED_TOGETHER = ("generator", "keypoint_detector", "pose_estimator")


class FvvRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with the source's canonical keypoints.

    One update of generator, keypoint detector and pose estimator; then, where the adversarial loss has a weight, one of
    the discriminator on the same prediction. Networks are those four by name.
    """

    def __init__(self, experiment: FvvConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: a loss has a weight whose network, VGG19 or Hopenet, is not on this machine.
        """
        self.experiment = experiment
        self.animator = FvvAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {name: self.animator.get_submodule(name) for name in TRAINED_TOGETHER}
        loss = experiment.loss
        if loss.adversarial:
            self.networks["discriminator"] = build_discriminator(experiment)
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)
        self.reconstruction = ReconstructionLoss(loss)
        self.hopenet = published_hopenet() if loss.head_pose else None
        self.frozen = (self.reconstruction,) if self.hopenet is None else (self.reconstruction, self.hopenet)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator, keypoint detector and pose estimator; then the discriminator where there is one."""
        pose_estimator, axes = networks["pose_estimator"], self.experiment.model.axes
        canonical = networks["keypoint_detector"](batch.source)
        motion = pose_estimator(batch.driving)
        source_keypoints = frame_keypoints(canonical, pose_estimator(batch.source), axes)
        driving_keypoints = frame_keypoints(canonical, motion, axes)
        frames = networks["generator"](batch.source, source_keypoints, driving_keypoints).frames
        losses = self.reconstruction(frames, batch.driving)
        losses |= self._equivariance(pose_estimator, batch.driving, canonical, driving_keypoints)
        angles = HeadAngles(motion.yaw, motion.pitch, motion.roll)
        true_angles = None if self.hopenet is None else self.hopenet(batch.driving)
        losses |= priors(self.experiment.loss, driving_keypoints, angles, motion.expression, true_angles)
        weight = self.experiment.loss.adversarial
        if not weight:
            yield Update(TRAINED_TOGETHER, losses)
            return
        discriminator = networks["discriminator"]
        losses |= judged(discriminator, frames, batch.driving, self.experiment.loss, hinge_generator)
        yield Update(TRAINED_TOGETHER, losses)
        _, real = discriminator(batch.driving)
        _, generated = discriminator(frames.detach())
        yield Update(("discriminator",), {"discriminator": weight * hinge_discriminator(real, generated)})

    def _equivariance(
        self, pose_estimator: Network, driving: Tensor, canonical: Tensor, keypoints: Tensor
    ) -> dict[str, Tensor]:
        weight = self.experiment.loss.equivariance
        if not weight:
            return {}
        transformation = PlaneTransformation.random(driving, self.experiment.loss.transformation)
        frame = transformation.transform_frame(driving, align_corners=False)
        # The canonical points stay the source's: it is the pose that has to follow the transformation.
        transformed = frame_keypoints(canonical, pose_estimator(frame), self.experiment.model.axes)
        return {"equivariance": weight * equivariance(keypoints, transformed, transformation)}


def build_discriminator(experiment: FvvConfiguration) -> PatchDiscriminator:
    """The discriminator of a variant; it sees frames alone."""
    shape = experiment.discriminator
    return PatchDiscriminator(3, shape.expansion, shape.cap, shape.blocks, shape.spectral_norm)
