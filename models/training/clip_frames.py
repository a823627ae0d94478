"""Frames of clips at the model's size, with a memory for as many clips as fit."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lia_bench.core.video import FrameReader, open_indexed, resize


class ClipFrames:
    """Reads a few frames of a clip; clips used before are kept whole, resized, until `budget` bytes are used up.

    At its first use, and beyond the budget, a clip is read frame by frame, found by the file's index: training on
    18,000 clips starts at once, and no clip is decoded whole to be thrown away. No file stays open.
    """

    def __init__(self, size: int, budget: int) -> None:
        """`size`: side of the frames in pixels."""
        self._size = size
        self._left = budget
        self._used: set[Path] = set()
        self._kept: dict[Path, np.ndarray] = {}

    def chosen(self, path: Path, choose: Callable[[int], Sequence[int]]) -> list[np.ndarray]:
        """Frames (size, size, 3) uint8 of the clip at `path`; `choose` takes its length, gives their indices.

        Raises:
            UnreadableVideoError: the clip cannot be read.
        """
        if path not in self._kept:
            with open_indexed(path) as reader:
                needed = len(reader) * self._size**2 * 3
                if path not in self._used or needed > self._left:
                    self._used.add(path)
                    return [self._read(reader, index) for index in choose(len(reader))]
                self._left -= needed
                self._kept[path] = np.stack([resize(frame, (self._size, self._size)) for frame in reader])
        frames = self._kept[path]
        return [frames[index] for index in choose(len(frames))]

    def _read(self, reader: FrameReader, index: int) -> np.ndarray:
        return resize(reader.frame(index), (self._size, self._size))
