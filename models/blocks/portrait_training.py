"""How portraits in space are trained: the terms beside those of FOMM, Hopenet, and what recipes share.

Hopenet tells the networks in training what angles are (Ruiz et al., CVPR workshops 2018).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import MissingWeightsError
from lia_bench.models.animator import Animator
from lia_bench.models.blocks.adversarial import JudgementWeights, hinge_discriminator, hinge_generator, judged
from lia_bench.models.blocks.configuration import AdamConfiguration, PortraitLoss
from lia_bench.models.blocks.equivariance import PlaneTransformation, position_equivariance
from lia_bench.models.blocks.head_pose import HeadAngles, expected_degrees
from lia_bench.models.blocks.reconstruction import ReconstructionLoss
from lia_bench.models.training.optimisers import adam_for_each
from lia_bench.models.training.recipe import Network, TrainingRecipe, Update

SIDE = 224
BINS = 66


class Hopenet(nn.Module):
    """A ResNet-50 with a classifier of bins three degrees wide for each angle; frozen."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        from torchvision.models import resnet50

        super().__init__()
        self.backbone = resnet50(weights=None)
        width = self.backbone.fc.in_features
        self.backbone.fc = nn.Identity()
        self.yaw, self.pitch, self.roll = (nn.Linear(width, BINS) for _ in HeadAngles._fields)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "Hopenet":
        """Stay in evaluation: nobody trains this network."""
        del mode
        return super().train(False)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> HeadAngles:
        """Angles of frames (B, 3, H, W) in [0, 1]."""
        resized = F.interpolate(frames, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        features = self.backbone((resized - self.mean) / self.deviation)
        return HeadAngles(*(expected_degrees(head(features)) for head in (self.yaw, self.pitch, self.roll)))


def own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published state dict under this module's names, without the layer that only its training needed."""
    renamed = {}
    for name, value in state.items():
        if name.startswith("fc_"):
            renamed[name.removeprefix("fc_")] = value
        else:
            renamed[f"backbone.{name}"] = value
    return {name: value for name, value in renamed.items() if not name.startswith("finetune.")}


def published_hopenet() -> Hopenet:
    """Hopenet with the weights that its authors published as robust, from this machine's weights folder.

    Raises:
        MissingWeightsError: the file is not here; the text says how to get it and how to train without.
        CheckpointError: the file is damaged or holds another network.
    """
    from lia_bench.core.torch_weights import fill_network, load_torch_weights

    path = _path()
    network = Hopenet()
    fill_network(network, own_names(load_torch_weights(path)), path)
    return network


def _path() -> Path:
    from lia_bench.core.weights import locate

    try:
        return locate("hopenet")
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{error}; or train without the head pose loss: --set loss.head_pose=0") from None


# Squared distance below which two keypoints repel each other.
SQUARED_DISTANCE = 0.1
MEAN_DEPTH = 0.33


def equivariance(driving: Tensor, transformed: Tensor, transformation: PlaneTransformation) -> Tensor:
    """Mean |p_driving - T(p_transformed)| of x and y of keypoints (B, K, 3) (face-vid2vid appendix A)."""
    return position_equivariance(driving[..., :2], transformed[..., :2], transformation)


def keypoint_prior(keypoints: Tensor) -> Tensor:
    """What keeps keypoints (B, K, 3) apart and at their depth (face-vid2vid appendix A).

    The sum over all ordered pairs of the mean max(0, 0.1 - d^2), d their distance, and the mean |z - 0.33|, z the mean
    over a head's keypoints. A point with itself counts 0.1 as well, as in the re-implementation.
    """
    squares = ((keypoints[:, :, None] - keypoints[:, None]) ** 2).sum(dim=-1)
    apart = F.relu(SQUARED_DISTANCE - squares).sum(dim=(1, 2)).mean()
    return apart + (keypoints[..., 2].mean(dim=1) - MEAN_DEPTH).abs().mean()


def head_pose_difference(angles: HeadAngles, truth: HeadAngles) -> Tensor:
    """Mean absolute differences of yaw, pitch and roll in degrees, summed (face-vid2vid appendix A)."""
    return torch.stack([F.l1_loss(one, other) for one, other in zip(angles, truth, strict=True)]).sum()


def expression_size(expression: Tensor) -> Tensor:
    """Mean over the batch of the L1 norm of all offsets (B, K, 3) of a head (face-vid2vid appendix A)."""
    return expression.abs().sum(dim=(1, 2)).mean()


def priors(
    weights: PortraitLoss, points: Tensor, angles: HeadAngles, expression: Tensor, truth: HeadAngles | None
) -> dict[str, Tensor]:
    """Weighted terms on what a driving frame's motion may be, by their names.

    Args:
        weights: of the terms.
        points: the driving keypoints, (B, K, 3).
        angles: of the driving head, in degrees.
        expression: offsets of the points, (B, K, 3).
        truth: Hopenet's angles of the driving frame; None leaves `head_pose` out.
    """
    losses = {}
    if weights.keypoint:
        losses["keypoint"] = weights.keypoint * keypoint_prior(points)
    if truth is not None:
        losses["head_pose"] = weights.head_pose * head_pose_difference(angles, truth)
    if weights.expression:
        losses["expression"] = weights.expression * expression_size(expression)
    return losses


@dataclass(frozen=True)
class Shown:
    """What a discriminator is shown: generated frames or parts of them, and the true ones, (B, 3, H, W) each.

    Attributes:
        weights: of what it says.
        share: 1; or 0 where there is nothing to be learned from these.
    """

    generated: Tensor
    true: Tensor
    weights: JudgementWeights
    share: float = 1.0


class PortraitRecipe(TrainingRecipe):
    """One update of the networks that render; then, where any is judged, one of the discriminators on the same frames.

    Attributes:
        together: names of the animator's networks that are updated together.
    """

    together: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        animator: Animator,
        loss: PortraitLoss,
        optimiser: AdamConfiguration,
        discriminators: Mapping[str, nn.Module],
    ) -> None:
        """
        Args:
            optimiser: with a learning rate for each of the networks, and one, `discriminator`, for discriminators.

        Raises:
            MissingWeightsError: a loss has a weight whose network, VGG19 or Hopenet, is not on this machine.
        """
        self.animator = animator
        self.networks = {name: animator.get_submodule(name) for name in self.together} | dict(discriminators)
        rates = optimiser.model_dump()
        rates |= dict.fromkeys(discriminators, rates["discriminator"])
        self.optimisers = adam_for_each(self.networks, rates, optimiser.betas)
        self._milestones = optimiser.milestones
        self.reconstruction = ReconstructionLoss(loss)
        self.hopenet = published_hopenet() if loss.head_pose else None
        self.frozen = (self.reconstruction,) if self.hopenet is None else (self.reconstruction, self.hopenet)

    def milestones(self) -> tuple[int, ...]:
        """Epochs after which every learning rate is multiplied by 0.1."""
        return self._milestones

    def true_angles(self, driving: Tensor) -> HeadAngles | None:
        """Hopenet's angles of driving frames (B, 3, H, W); None where the term has no weight."""
        return None if self.hopenet is None else self.hopenet(driving)

    def judged_updates(
        self, networks: Mapping[str, Network], losses: Mapping[str, Tensor], shown: Mapping[str, Shown]
    ) -> Iterator[Update]:
        """The update by `losses` and by what the discriminators say, then theirs.

        Args:
            losses: weighted terms by name.
            shown: by the discriminators' names, `discriminator` or one that ends so, whose beginning the terms get.
        """
        total = dict(losses)
        for name, one in shown.items():
            said = judged(networks[name], one.generated, one.true, one.weights, hinge_generator)
            total |= {f"{name.removesuffix('discriminator')}{term}": one.share * value for term, value in said.items()}
        yield Update(self.together, total)
        if not shown:
            return
        own = {}
        for name, one in shown.items():
            _, real = networks[name](one.true)
            _, generated = networks[name](one.generated.detach())
            own[name] = one.share * one.weights.adversarial * hinge_discriminator(real, generated)
        yield Update(tuple(shown), own)
