"""Monkey-Net as a model of the zoo."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.transfer import EncodedClip, KeypointAnimator, RelativePosition, expanded
from lia_bench.models.monkeynet.configuration import MonkeyNetModel
from lia_bench.models.monkeynet.networks import Generator, KeypointDetector, Keypoints

# Takes the place of variances that adaptation made zero or negative.
SMALLEST_ADAPTED_VARIANCE = 1e-6


@dataclass(frozen=True)
class Relative:
    """The source's keypoints, moved as the driving ones since the first driving frame, with the driving covariances."""

    position: RelativePosition

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source."""
        return Keypoints(self.position(driving.position), driving.covariance)


@dataclass(frozen=True)
class RelativeAdapted:
    """As `Relative`, with the source's covariances changed as the driving ones; batch size 1 in the fields."""

    position: RelativePosition
    source: Tensor
    first: Tensor

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source."""
        covariance = adapted(driving.covariance, self.first, self.source)
        return Keypoints(self.position(driving.position), covariance)


class MonkeyNetAnimator(KeypointAnimator):
    """Keypoint detector and generator.

    "relative" transfer takes the driving frame's covariances (section 3.6); "relative_adapted" changes the source's
    covariances as the driving ones changed.
    """

    keypoint_detector: KeypointDetector
    generator: Generator

    def __init__(self, configuration: MonkeyNetModel) -> None:
        detector = KeypointDetector(configuration.keypoint_detector, configuration.keypoints)
        super().__init__(configuration.size, detector, Generator(configuration))

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        levels = list(expanded(encoded.source, count))
        keypoints = Keypoints(*expanded(encoded.keypoints, count))
        seen = self.keypoint_detector(driving)
        moved = encoded.transfer(seen)
        record_keypoints(encoded.keypoints.position, seen.position, moved.position)
        return self.generator.render(levels, keypoints, moved).frames

    def relative(
        self, position: RelativePosition, source: Keypoints, first: Keypoints, adapted: bool
    ) -> Relative | RelativeAdapted:
        """Positions move; covariances are the driving frame's, or adapted ones."""
        if adapted:
            return RelativeAdapted(position, source.covariance, first.covariance)
        return Relative(position)


def adapted(driving: Tensor, first: Tensor, source: Tensor) -> Tensor:
    """The covariances nearest to V_driving V_first^-1 V_source, (..., 2, 2): symmetric, without negative variances."""
    carried = multiply(multiply(driving, inverse(first)), source)
    variances, axes = torch.linalg.eigh((carried + carried.transpose(-2, -1)) / 2)
    variances = torch.where(variances > 0, variances, SMALLEST_ADAPTED_VARIANCE)
    return multiply(axes * variances[..., None, :], axes.transpose(-2, -1))
