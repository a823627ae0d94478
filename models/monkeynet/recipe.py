"""How Monkey-Net is trained (Monkey-Net section 3.5)."""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.models.blocks.adversarial import (
    PatchDiscriminator,
    feature_matching,
    least_squares_discriminator,
    least_squares_generator,
)
from lia_bench.models.blocks.small_tensors import on_device_of
from lia_bench.models.monkeynet.animator import MonkeyNetAnimator
from lia_bench.models.monkeynet.configuration import MonkeyNetConfiguration
from lia_bench.models.monkeynet.networks import Generated, Keypoints, heatmaps
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, PairBatch, TrainingRecipe, Update


class MonkeyNetRecipe(TrainingRecipe):
    """Reconstruction of a driving frame from another frame of the same clip, as a discriminator sees it.

    One update of generator and keypoint detector; then, where there is an adversarial loss, one of the discriminator
    on the same prediction. Networks are "generator", "keypoint_detector" and perhaps "discriminator".
    """

    def __init__(self, experiment: MonkeyNetConfiguration) -> None:
        self.experiment = experiment
        self.animator = MonkeyNetAnimator(experiment.model)
        self.networks: dict[str, nn.Module] = {
            "generator": self.animator.generator,
            "keypoint_detector": self.animator.keypoint_detector,
        }
        if experiment.loss.adversarial:
            self.networks["discriminator"] = build_discriminator(experiment)
        # On the device of the first step, from then on.
        self._layers = torch.tensor(experiment.loss.feature_matching)
        optimiser = experiment.optimiser
        self.optimisers = adam_for_each(self.networks, optimiser.model_dump(), optimiser.betas)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self.experiment.optimiser.milestones

    def updates(self, networks: Mapping[str, Network], batch: PairBatch) -> Iterator[Update]:
        """Generator and keypoint detector; then the discriminator where there is one."""
        source, driving = detected(networks["keypoint_detector"], batch)
        generated = networks["generator"](batch.source, source, driving)
        losses = self._reconstruction(generated, batch.driving)
        weight = self.experiment.loss.adversarial
        if not weight:
            yield Update(("generator", "keypoint_detector"), losses)
            return
        discriminator = networks["discriminator"]
        losses |= self._adversarial(discriminator, generated.frames, batch.driving, driving)
        yield Update(("generator", "keypoint_detector"), losses)
        still = Keypoints(*(value.detach() for value in driving))
        _, real = discriminator(self._seen(batch.driving, still))
        _, rendered = discriminator(self._seen(generated.frames.detach(), still))
        yield Update(("discriminator",), {"discriminator": weight * least_squares_discriminator(real, rendered)})

    def _reconstruction(self, generated: Generated, driving: Tensor) -> dict[str, Tensor]:
        loss = self.experiment.loss
        losses = {}
        if loss.l1:
            losses["l1"] = loss.l1 * F.l1_loss(generated.frames, driving)
        if loss.deformed_l1:
            losses["deformed_l1"] = loss.deformed_l1 * F.l1_loss(generated.deformed, driving)
        return losses

    def _adversarial(
        self, discriminator: Network, frames: Tensor, driving: Tensor, keypoints: Keypoints
    ) -> dict[str, Tensor]:
        loss = self.experiment.loss
        with discriminator.frozen():
            maps, score = discriminator(self._seen(frames, keypoints))
            losses = {"adversarial": loss.adversarial * least_squares_generator(score)}
            if loss.feature_matching:
                # The driving frame's features depend on the keypoints too, which learn from both sides.
                real_maps, _ = discriminator(self._seen(driving, keypoints))
                terms = feature_matching(maps, real_maps)
                self._layers = on_device_of(self._layers, terms)
                losses["feature_matching"] = weighted(terms, self._layers)
        return losses

    def _seen(self, frames: Tensor, keypoints: Keypoints) -> Tensor:
        """What the discriminator is shown of frames (B, 3, H, W): the driving keypoints' heatmaps beside them."""
        drawn = heatmaps(keypoints, self.experiment.model.heatmap_divisor, *frames.shape[2:])
        return torch.cat((frames, drawn), dim=1)


def detected(detector: Network, batch: PairBatch) -> tuple[Keypoints, Keypoints]:
    """Keypoints of source and driving frames, in one pass, so that batch norm sees both at once."""
    keypoints: Keypoints = detector(torch.cat((batch.source, batch.driving)))
    halves = [value.chunk(2) for value in keypoints]
    return Keypoints(*(half[0] for half in halves)), Keypoints(*(half[1] for half in halves))


def weighted(terms: Tensor, weights: Tensor) -> Tensor:
    """The sum of terms (N,), each times its weight."""
    return (terms * weights).sum()


def build_discriminator(experiment: MonkeyNetConfiguration) -> PatchDiscriminator:
    """The discriminator of a variant, which sees an image and a heatmap of each keypoint."""
    shape = experiment.discriminator
    return PatchDiscriminator(
        3 + experiment.model.keypoints,
        shape.expansion,
        shape.cap,
        shape.blocks,
        spectral=False,
        pooled_last=True,
    )
