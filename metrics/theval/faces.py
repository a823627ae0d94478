"""The face points that THEval measures with, by their numbers in MediaPipe's mesh.

Points are (T, N, 2) float64, x and y; a frame without a face is NaN throughout.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]

# fmt: off
LIPS = np.array([
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270, 291,
    308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
])
# fmt: on
LEFT_BROW = np.array([276, 282, 283, 285, 293, 295, 296, 300, 334, 336])
LEFT_EYE = np.array([249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466])
RIGHT_BROW = np.array([46, 52, 53, 55, 63, 65, 66, 70, 105, 107])
RIGHT_EYE = np.array([7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246])
UPPER_INNER_LIPS = np.array([191, 80, 81, 82, 13, 312, 311, 310])
LOWER_INNER_LIPS = np.array([95, 88, 178, 87, 14, 317, 402, 318])
"""Each below the upper one of the same place; the pair 415-324 is left out, so that they are not symmetric."""
LEFT_EYE_CORNERS = np.array([362, 263])
RIGHT_EYE_CORNERS = np.array([33, 133])
OUTER_EYE_CORNERS = (33, 263)

SIDE = 256
"""Of the square that frames are squeezed into where a metric counts in 1/256 of width and height."""

SMALLEST_DISTANCE = 0.001
"""Of the eyes, in the unit of the points: what is nearer shows no face that could be measured by it."""


def found(points: Floats) -> Marks:
    """(T,) whether a frame of (T, N, 2) points shows a face."""
    return np.asarray(np.isfinite(points).all(axis=(1, 2)))


def scaled(points: Floats, width: float, height: float) -> Floats:
    """Points in fractions of width and height to another unit."""
    return points * np.array([width, height], dtype=np.float64)


def inner_lips(points: Floats) -> tuple[Floats, Floats]:
    """(T, 8, 2) the upper points, and the lower ones below them."""
    return points[:, UPPER_INNER_LIPS], points[:, LOWER_INNER_LIPS]
