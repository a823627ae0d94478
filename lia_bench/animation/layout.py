"""What a frame of the result shows: the animation alone, in the whole picture, or beside what it was made of."""

from collections.abc import Callable, Sequence

import numpy as np

from lia_bench.core.video import resize
from lia_bench.core.video.panels import SideBySide
from lia_bench.core.video.reader import Frame

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
