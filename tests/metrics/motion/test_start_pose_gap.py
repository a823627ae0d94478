"""How differently a source stands, which need not have the size of the frames."""

from unittest.mock import Mock

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lia_bench.metrics.best_start import start_pose_gap


def bright_pixels(frames: Tensor) -> NDArray[np.float32]:
    """x, y of the pixels that are white, (B, N, 2)."""
    return np.stack([np.argwhere(frame[0].numpy() == 255)[:, ::-1] for frame in frames]).astype(np.float32)


def picture(height: int, width: int, *points: tuple[int, int]) -> Tensor:
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    for x, y in points:
        image[:, y, x] = 255
    return image


def test_the_gap_depends_on_the_pose_and_not_on_the_size_of_the_picture() -> None:
    extractor = Mock(specification=Mock(shows_points=True, part=lambda rows, name: rows), extract=bright_pixels)
    square = picture(8, 8, (1, 1), (5, 1), (1, 5), (5, 5))
    larger = picture(16, 48, (20, 2), (28, 2), (20, 10), (28, 10))
    leaning = picture(16, 16, (2, 2), (10, 2), (6, 10), (14, 10))
    assert start_pose_gap([extractor], larger, square) == pytest.approx(0, abs=1e-12)
    # Rows of a square of side 1 that lean by half of it: each point lies a quarter away.
    assert start_pose_gap([extractor], leaning, square) == pytest.approx(1 / 16)
    assert start_pose_gap([], larger, square) is None
