"""From a mesh of quadrilaterals to what every pixel of a picture sees of it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SMALLEST = 0.3  # area in square pixels, doubled: below, gradients inside a face are noise


@dataclass(frozen=True)
class Seen:
    """The pixels that a mesh covers.

    Attributes:
        pixels: (P,) numbers in the flattened picture.
        columns, rows: (P,) float32 of the pixels' centres; the picture's corner is at (0, 0).
        faces: (P,) the number of the face that is seen there.
        values: (A, P) float32, the vertices' values in between.
    """

    pixels: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    faces: np.ndarray
    values: np.ndarray


def grid_faces(rows: int, columns: int) -> np.ndarray:
    """(F, 4) vertex numbers around the faces of a grid of `rows` x `columns` vertices."""
    vertex = np.arange(rows * columns).reshape(rows, columns)
    return np.stack([vertex[:-1, :-1], vertex[:-1, 1:], vertex[1:, 1:], vertex[1:, :-1]], -1).reshape(-1, 4)


def facing(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) twice the area of faces as the picture shows them, negative for one that shows its back."""
    first, second = _diagonals(points[faces])
    return np.asarray(first[:, 0] * second[:, 1] - second[:, 0] * first[:, 1])


def rasterise(points: np.ndarray, values: np.ndarray, faces: np.ndarray, height: int, width: int) -> Seen:
    """Draw faces from back to front and interpolate linearly inside each.

    Args:
        points: (V, 3) float32: column, row in pixels and depth, larger depth nearer to the viewer.
        values: (V, A) float32 to interpolate.
        faces: (F, 4) vertex numbers; those that show their backs are left out by the caller.
    """
    area = facing(points, faces)
    kept = np.flatnonzero(np.abs(area) > SMALLEST)
    order = kept[np.argsort(points[faces[kept], 2].sum(1), kind="stable")]
    corners = points[faces[order]]
    drawn = _draw(corners[:, :, :2], height, width)
    pixels = np.flatnonzero(drawn)
    face = drawn[pixels] - 1

    # The plane through the middle of a face whose slopes agree with the values along both diagonals.
    (first, second), (along_first, along_second) = _diagonals(corners), _diagonals(values[faces[order]])
    per_area = 1 / area[order, None]
    by_column = (along_first * second[:, 1:2] - along_second * first[:, 1:2]) * per_area
    by_row = (along_second * first[:, 0:1] - along_first * second[:, 0:1]) * per_area
    middle = corners.mean(1)
    offset = values[faces[order]].mean(1) - by_column * middle[:, 0:1] - by_row * middle[:, 1:2]

    row, column = np.divmod(pixels, width)
    rows, columns = row.astype(np.float32) + np.float32(0.5), column.astype(np.float32) + np.float32(0.5)
    seen = np.empty((values.shape[1], len(pixels)), dtype=np.float32)
    for value, *plane in zip(seen, by_column.T, by_row.T, offset.T, strict=True):
        slope_across, slope_down, start = (np.ascontiguousarray(part, dtype=np.float32)[face] for part in plane)
        np.multiply(slope_across, columns, out=value)
        value += slope_down * rows
        value += start
    return Seen(pixels, columns, rows, order[face], seen)


def _diagonals(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]


def _draw(outlines: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height * width,) the number of the last face drawn over a pixel, counted from 1; 0 where there is none."""
    picture = Image.new("I", (width, height), 0)
    draw = ImageDraw.Draw(picture)
    for number, outline in enumerate(outlines.reshape(-1, 8).tolist(), start=1):
        draw.polygon(outline, fill=number)
    return np.asarray(picture).reshape(-1)
