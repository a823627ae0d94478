"""What a frame of the result shows: the animation alone, in the whole picture, or beside what it was made of."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video import resize
from lia_bench.core.video.panels import SideBySide
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.detection.detector import scaled

FEATHER = 0.12
"""Of the square's side: how wide the border is in which the picture passes into the animation."""


class Pasting:
    """Puts frames into one place of one picture, with a soft edge.

    Along the picture's own border there is nothing to pass over to, so that the edge is hard there.
    """

    def __init__(self, picture: Frame, square: Box) -> None:
        """Prepare a place.

        Args:
            picture: uint8 (H, W, 3). A last odd row or column is left out, which H.264 could not store.
            square: the place, in whole pixels; may lie partly outside.
        """
        height, width = (side - side % 2 for side in picture.shape[:2])
        self._picture = picture[:height, :width]
        left, top, right, bottom = (int(side) for side in square)
        self._side = (bottom - top, right - left)
        self._rows = slice(max(top, 0), min(bottom, height))
        self._columns = slice(max(left, 0), min(right, width))
        self._from = (
            slice(self._rows.start - top, self._rows.stop - top),
            slice(self._columns.start - left, self._columns.stop - left),
        )
        down = _ramp(self._side[0], fades_in=top > 0, fades_out=bottom < height)[self._from[0]]
        across = _ramp(self._side[1], fades_in=left > 0, fades_out=right < width)[self._from[1]]
        self._share = (down[:, None] * across[None, :])[..., None]
        self._below = self._picture[self._rows, self._columns] * (1 - self._share)

    def paste(self, frame: Frame) -> Frame:
        """The picture with `frame`, uint8 (h, w, 3) of any size, in its place: uint8 (H, W, 3), both sides even."""
        above = resize(frame, self._side)[self._from]
        pasted = self._picture.copy()
        pasted[self._rows, self._columns] = np.rint(self._below + above * self._share)
        return pasted


def shrunk(picture: Frame, square: Box, scale: float) -> tuple[Frame, Box]:
    """A picture with sides `scale`, at most 1, times as long, each at least 2; and the place of `square` in it."""
    if scale == 1:
        return picture, square
    height, width = (max(2, round(side * scale)) for side in picture.shape[:2])
    down, across = height / picture.shape[0], width / picture.shape[1]
    left, top, right, bottom = (round(side) for side in scaled(square, across, down))
    return resize(picture, (height, width)), Box(left, top, max(right, left + 1), max(bottom, top + 1))


def _ramp(length: int, fades_in: bool, fades_out: bool) -> NDArray[np.float32]:
    """How much of the animation shows along a side: 0 to 1 and back, without a corner where a fade begins or ends."""
    place = np.arange(length, dtype=np.float32) + 0.5
    width = max(FEATHER * length, 1.0)
    share = np.ones(length, dtype=np.float32)
    for fades, distance in ((fades_in, place), (fades_out, length - place)):
        if fades:
            near = (distance / width).clip(0, 1)
            share *= near * near * (3 - 2 * near)
    return share


LARGEST_PANEL = 720
"""Pixels of the longer side of a panel: strips of whole photographs would be too wide for players."""

BACKGROUND = 24

Layout = Callable[[Frame, Sequence[Frame]], Frame]
"""From a driving frame and every model's to the picture that is written."""


def alone(placed: Callable[[Frame], Frame]) -> Layout:
    """The only model's frame, as `placed` shows it."""
    return lambda driving, rendered: placed(rendered[0])


def strip(source: Frame, labels: Sequence[str], placed: Callable[[Frame], Frame]) -> Layout:
    """Source, driving and every model's frame, as `placed` shows them, in a row with captions.

    Panels have the size of `source`, at most `LARGEST_PANEL`; what has another aspect stands in the middle of its own.
    """
    scale = panel_scale(*source.shape[:2])
    height, width = (max(1, round(side * scale)) for side in source.shape[:2])
    panels = SideBySide(["source", "driving", *labels], height, width)
    first = fitted(source, height, width)

    def picture(driving: Frame, rendered: Sequence[Frame]) -> Frame:
        frames = [driving, *(placed(frame) for frame in rendered)]
        return panels.picture([first, *(fitted(frame, height, width) for frame in frames)])

    return picture


def panel_scale(height: int, width: int) -> float:
    """What a picture's sides are multiplied by to be a panel, at most 1."""
    return min(1.0, LARGEST_PANEL / max(height, width))


def fitted(frame: Frame, height: int, width: int) -> Frame:
    """`frame` as large as `height` and `width` allow, on a dark ground."""
    scale = min(height / frame.shape[0], width / frame.shape[1])
    size = (min(height, round(frame.shape[0] * scale)), min(width, round(frame.shape[1] * scale)))
    scaled = resize(frame, size)
    if size == (height, width):
        return scaled
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    canvas[top : top + size[0], left : left + size[1]] = scaled
    return canvas
