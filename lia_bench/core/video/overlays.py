"""Keypoints, axes of regions, masks and flows drawn over frames."""

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lia_bench.core.video.panels import SMALLEST_PANEL
from lia_bench.core.video.reader import Frame

DIMMEST = 0.25
"""Of a frame's brightness, where a mask is 0."""

FARTHEST = 3.0
"""In half sides of the frame: keypoints that are farther out are not drawn."""

Colour = tuple[int, int, int]


def keypoint_colours(count: int, together: int = 1) -> list[Colour]:
    """The colours of `count` keypoints, the same in every picture: hues at equal steps around the circle.

    `together`: so many successive ones share a colour.

    >>> keypoint_colours(2), keypoint_colours(4, together=2)[:2]
    ([(255, 0, 0), (0, 255, 255)], [(255, 0, 0), (255, 0, 0)])
    """
    groups = -(-count // together)
    hues = [colorsys.hsv_to_rgb(number // together / groups, 1, 1) for number in range(count)]
    return [(round(255 * red), round(255 * green), round(255 * blue)) for red, green, blue in hues]


def enlarged(frame: Frame) -> Frame:
    """`frame` by the whole factor that makes marks legible, pixel by pixel."""
    factor = max(1, round(SMALLEST_PANEL / max(frame.shape[:2])))
    return frame.repeat(factor, axis=0).repeat(factor, axis=1)


def dimmed(frame: Frame, mask: NDArray[np.float32]) -> Frame:
    """`frame`, uint8 (H, W, 3), as it is where the mask is 1, and dark where it is 0.

    `mask`: (h, w) in [0, 1], of any size; no numbers count as 0.
    """
    height, width = frame.shape[:2]
    known = np.nan_to_num(mask, nan=0, posinf=0, neginf=0).clip(0, 1).astype(np.float32)
    # Pillow keeps floats as they are in mode F.
    scaled = np.asarray(Image.fromarray(known).resize((width, height), Image.Resampling.BILINEAR))
    shown: Frame = np.rint(frame * (DIMMEST + (1 - DIMMEST) * scaled[..., None])).astype(np.uint8)
    return shown


def blended(frame: Frame, picture: Frame) -> Frame:
    """Half of each of two pictures of one size."""
    shown: Frame = ((frame.astype(np.uint16) + picture) // 2).astype(np.uint8)
    return shown


def marked(
    frame: Frame,
    positions: NDArray[np.float32],
    colours: Sequence[Colour],
    axes: NDArray[np.float32] | None = None,
) -> Frame:
    """`frame`, uint8 (H, W, 3), with a dot at each keypoint, and the axes of regions as lines.

    Args:
        positions: (K, 2), x before y, -1 and 1 the centres of the frame's border pixels.
        colours: of each keypoint.
        axes: (K, 2, 2), half axes in the columns, in the same units.
    """
    height, width = frame.shape[:2]
    half = np.array([width - 1, height - 1]) / 2
    radius = max(height, width) / 48
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    for number, (position, colour) in enumerate(zip(positions, colours, strict=True)):
        if not np.abs(position).max() <= FARTHEST:
            continue
        x, y = (float(value) for value in (position + 1) * half)
        for axis in axes[number].T * half if axes is not None and np.isfinite(axes[number]).all() else ():
            along, down = (float(value) for value in axis)
            draw.line((x - along, y - down, x + along, y + down), fill=colour, width=max(1, round(radius / 2)))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(0, 0, 0))
    return np.asarray(image)
