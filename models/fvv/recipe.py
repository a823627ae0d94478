"""How face-vid2vid is trained."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor

from lia_bench.models.blocks.adversarial import PatchDiscriminator
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.head_pose import HeadAngles
from lia_bench.models.blocks.portrait_training import PortraitRecipe, Shown, equivariance, priors
from lia_bench.models.fvv.animator import FvvAnimator
from lia_bench.models.fvv.configuration import FvvConfiguration
from lia_bench.models.fvv.networks import frame_keypoints
from lia_bench.models.training.recipe import Network, PairBatch, Update


class FvvRecipe(PortraitRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with the source's canonical keypoints.

    One update of generator, keypoint detector and pose estimator; then, where the adversarial loss has a weight, one of
    the discriminator on the same prediction. Networks are those four by name.
    """

    together: ClassVar[tuple[str, ...]] = ("generator", "keypoint_detector", "pose_estimator")

    def __init__(self, experiment: FvvConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: a loss has a weight whose network, VGG19 or Hopenet, is not on this machine.
        """
        self.experiment = experiment
        animator, loss = FvvAnimator(experiment.model), experiment.loss
        discriminators = {"discriminator": build_discriminator(experiment)} if loss.adversarial else {}
        super().__init__(animator, loss, experiment.optimiser, discriminators)

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator, keypoint detector and pose estimator; then the discriminator where there is one."""
        pose_estimator, axes, loss = networks["pose_estimator"], self.experiment.model.axes, self.experiment.loss
        canonical = networks["keypoint_detector"](batch.source)
        motion = pose_estimator(batch.driving)
        source_keypoints = frame_keypoints(canonical, pose_estimator(batch.source), axes)
        driving_keypoints = frame_keypoints(canonical, motion, axes)
        frames = networks["generator"](batch.source, source_keypoints, driving_keypoints).frames
        losses = self.reconstruction(frames, batch.driving)
        losses |= self._equivariance(pose_estimator, batch.driving, canonical, driving_keypoints)
        angles = HeadAngles(motion.yaw, motion.pitch, motion.roll)
        losses |= priors(loss, driving_keypoints, angles, motion.expression, self.true_angles(batch.driving))
        shown = {"discriminator": Shown(frames, batch.driving, loss)} if loss.adversarial else {}
        yield from self.judged_updates(networks, losses, shown)

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
