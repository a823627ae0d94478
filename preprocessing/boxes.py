"""Box arithmetic of the published cropping code, fractions and all; `square_within` alone is a rule of our own."""

from typing import NamedTuple


class Box(NamedTuple):
    """Sides in pixels: `left` and `top` belong to the box, `right` and `bottom` lie behind it."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top


def overlap(first: Box, second: Box) -> float:
    """Intersection over union, where a side counts right - left + 1 pixels, also between fractions."""
    width = max(0.0, min(first.right, second.right) - max(first.left, second.left) + 1)
    height = max(0.0, min(first.bottom, second.bottom) - max(first.top, second.top) + 1)
    common = width * height
    return common / (_pixels(first) + _pixels(second) - common)


def join(first: Box, second: Box) -> Box:
    """The smallest box around both."""
    return Box(
        min(first.left, second.left),
        min(first.top, second.top),
        max(first.right, second.right),
        max(first.bottom, second.bottom),
    )


def contains(outer: Box, inner: Box) -> bool:
    """Whether `inner` lies in `outer`, the border included."""
    return (
        outer.left <= inner.left
        and outer.top <= inner.top
        and outer.right >= inner.right
        and outer.bottom >= inner.bottom
    )


def increase(box: Box, fraction: float) -> Box:
    """Each side moved out by `fraction` of the width or height, then truncated towards zero."""
    return _grown(box, fraction, fraction)


def increase_to_square(box: Box, fraction: float) -> Box:
    """The longer side grown by `fraction` at both ends, the other until the box is square; truncated towards zero.

    Raises:
        ZeroDivisionError: a box without width or height.
    """
    across = max(fraction, ((1 + 2 * fraction) * box.height - box.width) / (2 * box.width))
    down = max(fraction, ((1 + 2 * fraction) * box.width - box.height) / (2 * box.height))
    return _grown(box, across, down)


def square_within(box: Box, increase: float, size: tuple[int, int]) -> Box:
    """The square around a box whose longer side has grown by `increase` at both ends, moved into a frame of `size`.

    One that is larger than the frame (width, height) shrinks to its shorter side.
    """
    side = min(round(max(box.width, box.height) * (1 + 2 * increase)), *size)
    left = _moved_inside((box.left + box.right - side) / 2, side, size[0])
    top = _moved_inside((box.top + box.bottom - side) / 2, side, size[1])
    return Box(left, top, left + side, top + side)


def _moved_inside(start: float, side: int, length: int) -> int:
    return min(max(round(start), 0), length - side)


def _grown(box: Box, across: float, down: float) -> Box:
    return Box(
        int(box.left - across * box.width),
        int(box.top - down * box.height),
        int(box.right + across * box.width),
        int(box.bottom + down * box.height),
    )


def _pixels(box: Box) -> float:
    return (box.width + 1) * (box.height + 1)
