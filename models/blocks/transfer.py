"""How driving keypoints become those that the source is to take, where models agree on it.

As they are, by their movement since the first driving frame, or by a small network that tells a subject's shape from
its pose (animation via disentanglement: MRAA, TPSMM).
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, Self, TypeVar

import torch
from scipy.spatial import ConvexHull, QhullError
from torch import Tensor, nn

from lia_bench.core.errors import InputError
from lia_bench.models.animator import SizedAnimator
from lia_bench.models.blocks.small_tensors import on_device_of

Motion = TypeVar("Motion")

HIDDEN = (256, 512, 1024)


def absolute(driving: Motion) -> Motion:
    """The driving frames' motion as it is."""
    return driving


@dataclass(frozen=True)
class RelativePosition:
    """The source's positions, moved as the driving ones since the first driving frame (FOMM section 3.4).

    Attributes:
        source, first: each (1, K, D), D = 2 or 3.
        scale: factor on the driving positions' displacement.

    >>> import torch
    >>> source, first = torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[0.0, -0.25]]])
    >>> RelativePosition(source, first)(torch.tensor([[[0.25, -0.25]], [[0.0, 0.0]]])).tolist()
    [[[0.75, 0.5]], [[0.5, 0.75]]]
    """

    source: Tensor
    first: Tensor
    scale: float = 1.0

    def adapted(self) -> Self:
        """With the scale by which the source's subject is larger than the first driving frame's.

        Raises:
            InputError: positions that span no area or volume.
        """
        return replace(self, scale=movement_scale(self.source[0], self.first[0]))

    def __call__(self, driving: Tensor) -> Tensor:
        """Positions (B, K, D) for the source."""
        return self.scale * (driving - self.first) + self.source


@dataclass(frozen=True)
class EncodedClip:
    """A source and its keypoints, batch size 1, and how keypoints are transferred to it.

    Attributes:
        source: as the generator encodes it.
        keypoints: as the detector finds them.
        transfer: keypoints that the source is to take, from the driving frames'.
    """

    source: Any
    keypoints: Any
    transfer: Callable[[Any], Any]


class KeypointAnimator(SizedAnimator):
    """A detector of keypoints, tuples of tensors of which one is their `position`, and a generator.

    Transfer modes: "absolute" takes the driving keypoints as they are; "relative" moves the source's keypoints as the
    driving ones moved since the first frame; "relative_adapted" also scales that movement by the square root of the
    ratio of the keypoints' hull areas, source over first driving frame.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute", "relative", "relative_adapted")

    # A network with `encode`, for what depends on the source alone.
    generator: Any

    def __init__(self, size: int, keypoint_detector: nn.Module, generator: nn.Module) -> None:
        """`size`: side of the frames in pixels."""
        super().__init__(size)
        self.keypoint_detector = keypoint_detector
        self.generator = generator
        self.lay_out_channels_last()

    @abstractmethod
    def relative(self, position: RelativePosition, source: Any, first: Any, adapted: bool) -> Callable[[Any], Any]:
        """The transfer that starts from the source's keypoints and the first driving frame's; `adapted`: to its size.

        `position` moves their positions so.
        """

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> EncodedClip:
        """Source features and keypoints, and what the transfer starts from.

        Raises:
            InputError: "relative_adapted" with keypoints on one line.
        """
        keypoints = self.keypoint_detector(source)
        moving = absolute if transfer == "absolute" else self._relative(keypoints, first_driving, transfer)
        return EncodedClip(self.generator.encode(source), keypoints, moving)

    def _relative(self, source: Any, first_driving: Tensor, transfer: str) -> Callable[[Any], Any]:
        first = self.keypoint_detector(first_driving)
        position = RelativePosition(source.position, first.position)
        adapted = transfer == "relative_adapted"
        return self.relative(position.adapted() if adapted else position, source, first, adapted)


def expanded(values: Iterable[Tensor], count: int) -> Iterator[Tensor]:
    """Tensors (1, ...) as `count` equal rows each, without a copy."""
    return (value.expand(count, *value.shape[1:]) for value in values)


def movement_scale(source: Tensor, driving: Tensor) -> float:
    """Square root of the ratio of the convex hulls' areas of two sets of keypoints (K, 2), or of volumes for (K, 3).

    Raises:
        InputError: keypoints that span no area or volume.
    """
    return float((_volume("source", source) / _volume("first driving frame", driving)) ** 0.5)


def _volume(what: str, points: Tensor) -> float:
    try:
        # In two dimensions scipy calls the area the volume.
        return float(ConvexHull(points.double().cpu().numpy()).volume)
    except QhullError as error:
        raise InputError(
            f"the keypoints of the {what} lie on one line or plane, so that no scale can be taken from them: "
            "use a transfer mode that does not scale the movement"
        ) from error


class DisentanglementNetwork(nn.Module):
    """Encodes the identity of one set of keypoints and the pose of another, and decodes keypoints with both.

    MRAA section 3.5. Keypoints are flat vectors; what their entries mean is the caller's matter.
    """

    def __init__(self, values: int, identity: int, pose: int) -> None:
        """`values`: length of the flat keypoints. `identity`, `pose`: lengths of the two codes."""
        super().__init__()
        self.identity_encoder = _perceptron(values, *HIDDEN, identity)
        self.pose_encoder = _perceptron(values, *HIDDEN, pose)
        self.decoder = _perceptron(pose + identity, *reversed(HIDDEN), values)

    def forward(self, identity: Tensor, pose: Tensor) -> Tensor:
        """Keypoints (B, values) with the identity of the first and the pose of the second, each (B, values).

        In training a batch must have two rows at least, for its norms.
        """
        codes = torch.cat((self.pose_encoder(pose), self.identity_encoder(identity)), dim=1)
        moved: Tensor = self.decoder(codes)
        return moved


def random_axis_scale(like: Tensor, strength: float) -> Tensor:
    """(B, 1, 2): for each row of `like` (B, ...) a factor for x and one for y, uniform in 1 -/+ `strength`.

    Another body of the same pose, to learn from. Drawn on the CPU, so that a seed gives the same on every device.
    """
    scale = 1 + strength * (2 * torch.rand(like.shape[0], 1, 2) - 1)
    return on_device_of(scale, like)


def _perceptron(*widths: int) -> nn.Sequential:
    """Linear layers of these widths, with batch norm and ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-2])
