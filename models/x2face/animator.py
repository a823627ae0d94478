"""X2Face as a model of the zoo: pictures are made by sampling others, along grids of offsets."""

from typing import ClassVar

import torch
from torch import Tensor

from lia_bench.models.animator import Animator
from lia_bench.models.blocks.motion_marks import record_flow
from lia_bench.models.blocks.warping import coordinate_grid, warp
from lia_bench.models.x2face.configuration import X2FaceModel
from lia_bench.models.x2face.networks import DrivingNetwork, EmbeddingNetwork

# Added to every confidence, so that no source is lost altogether.
LEAST_CONFIDENCE = 0.1


def sampling_grid(offsets: Tensor) -> Tensor:
    """Positions (B, H, W, 2) in [-2, 2], x before y, 1 at the border pixels' centres: the identity plus tanh(offsets).

    Args:
        offsets: (B, 2, H, W), x before y.
    """
    return torch.tanh(offsets).permute(0, 2, 3, 1) + coordinate_grid(*offsets.shape[2:], like=offsets)


def resample(pictures: Tensor, offsets: Tensor) -> Tensor:
    """(B, C, H, W) sampled along offsets (B, 2, H, W); black where they lead outside."""
    return warp(pictures, sampling_grid(offsets), align_corners=True)


def embed(sources: Tensor, embedding: Tensor) -> Tensor:
    """The embedded face of N sources, their mean weighted pixel by pixel with exp(confidence logit) + 0.1.

    Args:
        sources: (B, N, 3, H, W) in [0, 1].
        embedding: (B, N, 3, H, W), what the embedding network says of each.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    views = resample(sources.flatten(0, 1), embedding[:, :, :2].flatten(0, 1)).view_as(sources)
    weights = embedding[:, :, 2:].exp() + LEAST_CONFIDENCE
    return (weights * views).sum(1) / weights.sum(1)


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
