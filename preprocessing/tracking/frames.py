"""Frames of footage in order, and what a detector sees in them; only a batch of them is in memory."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from lia_bench.core.video.reader import Frame, as_frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import Detection, Detector


class UprightFootage(Protocol):
    """What a search needs of footage; `lia_bench.preprocessing.footage.Footage` is one."""

    path: Path
    frames: int
    fps: float
    width: int
    height: int

    def square_frame(self, index: int) -> Frame:
        """Frame `index`, upright and with square pixels: uint8 RGB (height, width, 3)."""


def watch(frames: Iterable[Frame], detector: Detector, batch: int) -> Iterator[tuple[Frame, list[Detection]]]:
    """Each frame with what the detector sees in it, in order; `batch` frames are shown to it at a time."""
    source = iter(frames)
    while shown := list(islice(source, batch)):
        yield from zip(shown, detector.detect(shown), strict=True)


def scaled_frames(footage: UprightFootage, indices: Iterable[int], size: tuple[int, int]) -> Iterator[Frame]:
    """Some frames scaled to `size` (width, height), read one at a time.

    Pillow's bilinear filter averages over what becomes one pixel where it shrinks. It is many times faster than
    the filter that clips are written with, and no pixel of a clip comes from here: only detectors look at it.
    """
    from PIL import Image

    for index in indices:
        frame = footage.square_frame(index)
        if frame.shape[1::-1] == size:
            yield frame
        else:
            yield as_frame(np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR)))


def size_at_height(footage: UprightFootage, height: int) -> tuple[int, int]:
    """Width and height of the footage's frames when they are scaled to `height`."""
    return max(1, round(footage.width * height / footage.height)), height


def scaled(box: Box, across: float, down: float) -> Box:
    """A box with its sides multiplied."""
    return Box(box.left * across, box.top * down, box.right * across, box.bottom * down)
