"""How LivePortrait's base networks are trained, the first stage of its paper (section 3.1)."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from lia_bench.core.errors import MissingWeightsError
from lia_bench.models.blocks.adversarial import PatchDiscriminator
from lia_bench.models.blocks.equivariance import PlaneTransformation
from lia_bench.models.blocks.portrait_training import PortraitRecipe, Shown, equivariance, priors
from lia_bench.models.blocks.reconstruction import PerceptualLoss, ReconstructionLoss, published_vgg19
from lia_bench.models.liveportrait.animator import LivePortraitAnimator
from lia_bench.models.liveportrait.configuration import LivePortraitConfiguration, LivePortraitLoss
from lia_bench.models.liveportrait.face_landmarks import FaceLandmarks, face_landmarks
from lia_bench.models.liveportrait.face_terms import guidance, identity_difference, part_of, published_arcface
from lia_bench.models.liveportrait.motion_extractor import PortraitMotion
from lia_bench.models.liveportrait.second_stage import SecondStageRecipe
from lia_bench.models.training.configuration import SMALLEST_FOR_VGG19
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update

WHOLE = "discriminator"


def recipe_of(experiment: LivePortraitConfiguration) -> TrainingRecipe:
    """The recipe of the stage that `experiment` is of; raises as their constructors."""
    return SecondStageRecipe(experiment) if experiment.second_stage else FirstStageRecipe(experiment)


class FirstStageRecipe(PortraitRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, with the source's canonical points.

    One update of generator and motion extractor; then, where any adversarial loss has a weight, one of the
    discriminators on the same prediction: of the whole frame, of the face and of the lips. The frames compared are
    those of the driving frame's size: where more pixels come out, the driving frame is enlarged. Its authors published
    no training code.
    """

    together: ClassVar[tuple[str, ...]] = ("generator", "motion_extractor")

    def __init__(self, experiment: LivePortraitConfiguration) -> None:
        """
        Raises:
            MissingWeightsError: a loss has a weight whose network (VGG19, Hopenet, MediaPipe's landmarker, ArcFace) is
                not on this machine.
        """
        self.experiment = experiment
        loss, shape = experiment.loss, experiment.discriminator
        self.regions = loss.regions()
        judging = [WHOLE] if loss.adversarial else []
        judging += [f"{name}_{WHOLE}" for name, region in self.regions.items() if region.adversarial]
        animator = LivePortraitAnimator(experiment.model)
        discriminators = {
            name: PatchDiscriminator(3, shape.expansion, shape.cap, shape.blocks, shape.spectral_norm)
            for name in judging
        }
        super().__init__(animator, loss, experiment.optimiser, discriminators)
        self.perceptual = region_perceptual(loss, self.reconstruction)
        self.arcface = published_arcface() if loss.identity else None
        self.landmarks = _landmarks() if loss.looks_at_landmarks else None
        looking = (*self.perceptual.values(), *((self.arcface,) if self.arcface is not None else ()))
        self.frozen = (*self.frozen, *looking)

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and motion extractor; then the discriminators where there are any."""
        extractor, loss = networks["motion_extractor"], self.experiment.loss
        source, driving = extractor(batch.source), extractor(batch.driving)
        # Equation 2: all of the driver but the shape of its face.
        moved = driving._replace(canonical=source.canonical)
        frames = networks["generator"](batch.source, source.points(), moved.points()).frames
        truth = F.interpolate(batch.driving, size=frames.shape[2:], mode="bilinear", antialias=True)
        losses = self.reconstruction(frames, truth)
        losses |= self._equivariance(extractor, batch.driving, source.canonical, moved.points())
        angles = self.true_angles(batch.driving)
        losses |= priors(loss, moved.points(), driving.angles, driving.expression, angles)
        judged = {WHOLE: Shown(frames, truth, loss)} if loss.adversarial else {}
        if self.landmarks is not None:
            shown = self.landmarks.of(batch.driving)
            losses |= self._guided(source, moved, batch.source, shown)
            if self.arcface is not None:
                difference = identity_difference(self.arcface, frames, truth, shown)
                losses["identity"] = loss.identity * difference
            for name, region in self.regions.items():
                part = part_of(frames, truth, shown, name, region.side, region.margin)
                if region.perceptual:
                    difference = self.perceptual[name](part.generated, part.true)
                    losses[f"{name}_perceptual"] = part.share * region.perceptual * difference
                if region.adversarial:
                    judged[f"{name}_{WHOLE}"] = Shown(part.generated, part.true, region, part.share)
        yield from self.judged_updates(networks, losses, judged)

    def _guided(
        self, source: PortraitMotion, moved: PortraitMotion, source_frame: Tensor, shown: Tensor
    ) -> dict[str, Tensor]:
        weight, shape = self.experiment.loss.landmarks, self.experiment.loss.wing
        if not weight or self.landmarks is None:
            return {}
        of_source = guidance(source.points(), self.landmarks.of(source_frame), shape)
        return {"landmarks": weight * (of_source + guidance(moved.points(), shown, shape)) / 2}

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


def region_perceptual(loss: LivePortraitLoss, whole: ReconstructionLoss) -> dict[str, PerceptualLoss]:
    """The perceptual loss of each part of the face that has one, on the network that whole frames are compared by.

    Scales at which a part would be too small for the network are left out.

    Raises:
        MissingWeightsError: VGG19 is not on this machine.
    """
    parts = {name: region for name, region in loss.regions().items() if region.perceptual}
    if not parts:
        return {}
    if whole.perceptual is not None:
        features = whole.perceptual.features
    else:
        try:
            features = published_vgg19()
        except MissingWeightsError as error:
            off = "".join(f" --set loss.{name}.perceptual=0" for name in parts)
            raise MissingWeightsError(f"{error}{off}") from None
    return {
        name: PerceptualLoss(
            features,
            [scale for scale in loss.scales if scale * region.side >= SMALLEST_FOR_VGG19] or [1.0],
            (1.0,) * 5,
            lambda image: image,
        )
        for name, region in parts.items()
    }


def _landmarks() -> FaceLandmarks:
    try:
        return face_landmarks()
    except MissingWeightsError as error:
        off = "loss.landmarks=0, loss.identity=0 and perceptual and adversarial of loss.face and loss.lips 0"
        raise MissingWeightsError(f"{error}; or train without what looks at landmarks: {off}") from None
