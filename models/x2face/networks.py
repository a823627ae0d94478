"""X2Face's embedding and driving network, made of levels that halve the picture and double it (paper section 3.1).

And the layers that drive it with head poses (section 4): what a driving vector says of the pose, exchanged.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError
from lia_bench.models.weights_file import read_weights_file
from lia_bench.models.x2face.authors_checkpoint import pose_mapping_state
from lia_bench.models.x2face.configuration import X2FaceModel

ANGLES = 3


class DownLevel(nn.Module):
    """LeakyReLU, convolution to half the size, batch norm; the outermost level is the convolution alone."""

    def __init__(self, inputs: int, outputs: int, *, activated: bool, normalised: bool) -> None:
        super().__init__()
        self.activated = activated
        self.convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs) if normalised else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H / 2, W / 2)."""
        if self.activated:
            features = F.leaky_relu(features, 0.2)
        halved: Tensor = self.normalisation(self.convolution(features))
        return halved


class UpLevel(nn.Module):
    """ReLU, bilinear up-sampling by 2, convolution, batch norm; the outermost level has no batch norm."""

    def __init__(self, inputs: int, outputs: int, *, normalised: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs) if normalised else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, 2 H, 2 W)."""
        # What torch 0.2 did, in which the published weights were trained; today's default gives another picture.
        doubled = F.interpolate(F.relu(features), scale_factor=2, mode="bilinear", align_corners=True)
        raised: Tensor = self.normalisation(self.convolution(doubled))
        return raised


def down_levels(widths: list[int]) -> nn.ModuleList:
    """From three channels to `widths`, outermost first; neither the outermost nor the innermost is normalised."""
    last = len(widths) - 1
    return nn.ModuleList(
        DownLevel(inputs, outputs, activated=level > 0, normalised=0 < level < last)
        for level, (inputs, outputs) in enumerate(zip([3, *widths], widths, strict=False))
    )


def initialise(network: nn.Module, last: UpLevel, initial_offset: float) -> None:
    """Random weights as the authors trained from; those of `last` times `initial_offset`.

    Their scale of batch norm is uniform between 0.02 and 1, where a normal around 1 was surely meant: mean and
    deviation went to a function that takes bounds.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.02, 1.0)
            nn.init.zeros_(module.bias)
    last.convolution.weight.data.mul_(initial_offset)


class EmbeddingNetwork(nn.Module):
    """A U-Net: every level on the way up sees the level of its size on the way down."""

    def __init__(self, configuration: X2FaceModel) -> None:
        super().__init__()
        widths = configuration.widths
        self.down = down_levels(widths)
        inputs = [*(2 * width for width in widths[:-1]), widths[-1]]
        outermost = UpLevel(inputs[0], 3, normalised=False)
        inner = (UpLevel(*shape, normalised=True) for shape in zip(inputs[1:], widths[:-1], strict=True))
        self.up = nn.ModuleList([outermost, *inner])
        initialise(self, outermost, configuration.initial_offset)

    def forward(self, source: Tensor) -> Tensor:
        """(B, 3, size, size) in [0, 1] to as much: offsets in x and y before their tanh, and a confidence logit."""
        levels = []
        features = source
        for level in self.down:
            features = level(features)
            levels.append(features)
        raised: Tensor = self.up[-1](levels[-1])
        for level, skipped in zip(reversed(self.up[:-1]), reversed(levels[:-1]), strict=True):
            # The authors' skips are what LeakyReLU left in place; the ReLU that follows makes both the same.
            raised = level(torch.cat((raised, skipped), dim=1))
        return raised


class DrivingNetwork(nn.Module):
    """An encoder-decoder without skips: all that passes is the driving vector."""

    def __init__(self, configuration: X2FaceModel) -> None:
        super().__init__()
        widths = [*configuration.widths[:-1], configuration.driving_vector]
        self.down = down_levels(widths)
        outermost = UpLevel(widths[0], 2, normalised=False)
        inner = (UpLevel(*shape, normalised=True) for shape in zip(widths[1:], widths[:-1], strict=True))
        self.up = nn.ModuleList([outermost, *inner])
        initialise(self, outermost, configuration.initial_offset)

    def encode(self, frames: Tensor) -> Tensor:
        """Driving vectors (B, driving_vector), before the ReLU, of frames (B, 3, size, size) in [0, 1]."""
        for level in self.down:
            frames = level(frames)
        return frames[:, :, 0, 0]

    def decode(self, vectors: Tensor) -> Tensor:
        """Offsets (B, 2, size, size) in x and y, in (-1, 1), of driving vectors (B, driving_vector).

        They are not yet what is added to a grid: a second tanh follows, see `sampling_grid`.
        """
        offsets = vectors[:, :, None, None]
        for level in reversed(self.up):
            offsets = level(offsets)
        return torch.tanh(offsets)

    def forward(self, frames: Tensor) -> Tensor:
        """(B, 3, size, size) in [0, 1] to offsets (B, 2, size, size) as `decode` gives them."""
        return self.decode(self.encode(frames))


class PoseMapping(nn.Module):
    """From driving vectors to poses and back, both linear; learned beside the networks, which stay as they are.

    A pose is roll, pitch and yaw in radians.
    """

    def __init__(self, driving_vector: int) -> None:
        super().__init__()
        self.pose = nn.Linear(driving_vector, ANGLES)
        self.vector = nn.Linear(ANGLES, driving_vector, bias=False)
        self.normalisation = nn.BatchNorm1d(driving_vector)

    def forward(self, vectors: Tensor, poses: Tensor) -> Tensor:
        """Driving vectors (B, driving_vector) with their own pose taken out and `poses` (B, 3) put in."""
        posed: Tensor = vectors - self.vector_of(self.pose(vectors)) + self.vector_of(poses)
        return posed

    def vector_of(self, poses: Tensor) -> Tensor:
        """The part (B, driving_vector) of a driving vector that stands for poses (B, 3)."""
        part: Tensor = self.normalisation(self.vector(poses))
        return part


def load_pose_mapping(vector_to_pose: Path, pose_to_vector: Path) -> PoseMapping:
    """The mapping, in evaluation mode, from the files that the authors named posereg.pth and posetobottle.pth.

    Raises:
        CheckpointError: a file is missing, damaged or of something else.
    """
    state = pose_mapping_state(read_weights_file(vector_to_pose), read_weights_file(pose_to_vector))
    if state is None:
        raise CheckpointError(
            f"{vector_to_pose} and {pose_to_vector} are not the pose layers of X2Face: "
            "give posereg.pth and posetobottle.pth, in this order"
        )
    mapping = PoseMapping(state["pose.weight"].shape[1])
    mapping.load_state_dict(state)
    return mapping.eval()
