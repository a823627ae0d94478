"""Driving X2Face with head poses (paper section 4): what a driving vector says of the pose, exchanged."""

from pathlib import Path

from torch import Tensor, nn

from lia_bench.core.errors import CheckpointError
from lia_bench.models.weights_file import read_weights_file
from lia_bench.models.x2face.authors_checkpoint import pose_mapping_state

ANGLES = 3


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
