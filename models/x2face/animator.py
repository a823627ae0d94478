"""X2Face as a model of the zoo."""

from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.animator import Animator
from lia_bench.models.blocks.flow_recording import record_flow
from lia_bench.models.blocks.warping import warp
from lia_bench.models.x2face.configuration import X2FaceModel
from lia_bench.models.x2face.driving_network import DrivingNetwork
from lia_bench.models.x2face.embedding_network import EmbeddingNetwork
from lia_bench.models.x2face.resampling import embed, resample, sampling_grid


class X2FaceAnimator(Animator):
    """Embedding network and driving network.

    Transfer is "absolute" alone: the embedded face has a pose of the network's choice, the same for every source,
    from which driving vectors lead to the driving frame's.
    """

    transfer_modes: ClassVar[tuple[str, ...]] = ("absolute",)
    takes_references: ClassVar[bool] = True

    def __init__(self, configuration: X2FaceModel) -> None:
        super().__init__()
        self.size = configuration.size
        self.embedding_network = EmbeddingNetwork(configuration)
        self.driving_network = DrivingNetwork(configuration)

    @property
    def frame_size(self) -> int:
        """The side of the configuration, the only one that leaves one pixel in the middle."""
        return self.size

    def forward(self, source: Tensor, driving: Tensor) -> Tensor:
        """Pairs of frames, for training: twice (B, 3, size, size) in [0, 1] to as many on the same scale."""
        # One source has the whole weight, so its confidence needs no reckoning.
        face = resample(source, self.embedding_network(source)[:, :2])
        return resample(face, self.driving_network(driving))

    def encode_source(self, source: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        """The embedded face (1, 3, size, size)."""
        return self.encode_sources(source)

    def encode_views(self, source: Tensor, references: Tensor, first_driving: Tensor, transfer: str) -> Tensor:
        """The embedded face (1, 3, size, size), mixed from all views by confidence."""
        return self.encode_sources(torch.cat((source, references)))

    def encode_sources(self, sources: Tensor) -> Tensor:
        """The embedded face (1, 3, size, size) of several frames (N, 3, size, size) of one subject, in [0, 1]."""
        return embed(sources[None], self.embedding_network(sources)[None])

    def render(self, encoded: Tensor, driving: Tensor) -> Tensor:
        """Frames (B, 3, size, size) in [0, 1] for as many driving frames."""
        return self.render_vectors(encoded, self.driving_network.encode(driving))

    def render_vectors(self, encoded: Tensor, vectors: Tensor) -> Tensor:
        """Frames (B, 3, size, size) of an embedded face (1, 3, size, size) for driving vectors (B, driving_vector)."""
        positions = sampling_grid(self.driving_network.decode(vectors))
        # It moves the embedded face, which stands for the source.
        record_flow(positions, align_corners=True)
        return warp(encoded.expand(len(vectors), -1, -1, -1), positions, align_corners=True)
