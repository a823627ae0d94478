"""FOMM as a model of the zoo."""

from dataclasses import dataclass

from torch import Tensor

from lia_bench.models.blocks.motion_marks import record_keypoints
from lia_bench.models.blocks.small_tensors import inverse, multiply
from lia_bench.models.blocks.transfer import EncodedClip, KeypointAnimator, RelativePosition, expanded
from lia_bench.models.fomm.configuration import FommModel
from lia_bench.models.fomm.networks import EncodedSource, Generator, KeypointDetector, Keypoints


@dataclass(frozen=True)
class Relative:
    """The source's keypoints, moved as the driving ones since the first driving frame; batch size 1 in the fields."""

    position: RelativePosition
    source: Keypoints
    first: Keypoints

    def __call__(self, driving: Keypoints) -> Keypoints:
        """Keypoints (B, K) for the source (FOMM section 3.4)."""
        change = multiply(driving.jacobian, inverse(self.first.jacobian))
        return Keypoints(self.position(driving.position), multiply(change, self.source.jacobian))


class FommAnimator(KeypointAnimator):
    """Keypoint detector and generator; relative transfer moves the Jacobians as well."""

    keypoint_detector: KeypointDetector
    generator: Generator

    def __init__(self, configuration: FommModel) -> None:
        detector = KeypointDetector(
            configuration.keypoint_detector, configuration.keypoints, configuration.estimate_jacobian
        )
        super().__init__(configuration.size, detector, Generator(configuration))

    def render(self, encoded: EncodedClip, driving: Tensor) -> Tensor:
        """Frames (B, 3, H, W) in [0, 1] for driving frames (B, 3, H, W)."""
        count = driving.shape[0]
        source = EncodedSource(*expanded(encoded.source, count))
        keypoints = Keypoints(*expanded(encoded.keypoints, count))
        seen = self.keypoint_detector(driving)
        moved = encoded.transfer(seen)
        record_keypoints(encoded.keypoints.position, seen.position, moved.position)
        return self.generator.render(source, keypoints, moved).frames

    def relative(self, position: RelativePosition, source: Keypoints, first: Keypoints, adapted: bool) -> Relative:
        """Positions move, and each Jacobian changes as the driving one since the first frame."""
        return Relative(position, source, first)
