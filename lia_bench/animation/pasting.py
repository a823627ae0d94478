"""An animated square back in the picture it was cut out of."""

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.video.image import resize
from lia_bench.core.video.reader import Frame
from lia_bench.preprocessing.boxes import Box
from lia_bench.preprocessing.tracking.frames import scaled

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
