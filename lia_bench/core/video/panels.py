"""Pictures made to be looked at: several in a row with captions, flows in colours, marks drawn over frames."""

import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from lia_bench.core.video.reader import Frame

if TYPE_CHECKING:
    from torch import Tensor


SMALLEST_PANEL = 192
STRIP = 24
GAP = 4


class SideBySide:
    """Lays frames of one size in a row, under a strip that names the columns.

    Small frames are enlarged by a whole factor, pixel by pixel, so that nothing is smoothed over.
    """

    def __init__(self, captions: Sequence[str], height: int, width: int) -> None:
        """`captions`: one a column; `height` and `width`: of the frames in pixels."""
        self._factor = max(1, round(SMALLEST_PANEL / max(height, width)))
        self._panel_height, self._panel_width = height * self._factor, width * self._factor
        columns = len(captions)
        canvas_width = columns * self._panel_width + (columns - 1) * GAP
        canvas_height = STRIP + self._panel_height
        # H.264's usual colour format halves both sides.
        self._canvas = np.full((canvas_height + canvas_height % 2, canvas_width + canvas_width % 2, 3), 24, np.uint8)
        self._canvas[:STRIP] = self._strip(captions)

    def picture(self, frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """The row of `frames`, each uint8 (H, W, 3), one a caption: uint8 with both sides even."""
        canvas = self._canvas.copy()
        for column, frame in enumerate(frames):
            left = self._left(column)
            panel = frame.repeat(self._factor, axis=0).repeat(self._factor, axis=1)
            canvas[STRIP : STRIP + self._panel_height, left : left + self._panel_width] = panel
        return canvas

    def _strip(self, captions: Sequence[str]) -> NDArray[np.uint8]:
        strip = Image.fromarray(self._canvas[:STRIP])
        draw = ImageDraw.Draw(strip)
        font = ImageFont.load_default(size=14)
        for column, caption in enumerate(captions):
            text = caption
            while len(text) > 1 and draw.textlength(text, font=font) > self._panel_width - 4:
                text = text[:-2] + "…"
            centre = self._left(column) + self._panel_width / 2
            draw.text((centre, STRIP / 2), text, fill=(235, 235, 235), font=font, anchor="mm")
        return np.asarray(strip)

    def _left(self, column: int) -> int:
        return column * (self._panel_width + GAP)


def flow_picture(flow: "Tensor", longest: float) -> Frame:
    """A flow (2, H, W) of x to the right and y downwards as uint8 (H, W, 3), in the colours of Baker et al. (2011).

    White is no motion, the hue is the direction, and the colour is full at the length `longest` and beyond, so that
    pictures of one `longest` compare. Offsets that are no numbers are white.
    """
    import torch
    from torchvision.utils import flow_to_image

    known = flow.detach().float().cpu().nan_to_num(0, 0, 0)
    lengths = known.norm(dim=0, keepdim=True)
    bounded = known * (longest / lengths.clamp_min(longest))
    # The library scales by the longest offset that it is given: one more column has it.
    scale = torch.zeros(2, flow.shape[1], 1)
    scale[0] = longest
    image = flow_to_image(torch.cat([bounded, scale], dim=2))[:, :, :-1]
    picture: Frame = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    return picture


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
