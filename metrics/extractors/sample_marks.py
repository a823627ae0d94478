"""The landmark reader of the sample dataset: finds the coloured marks that its heads carry.

A mark is a compact spot of one known, saturated colour on a face of dull colours. Spots are looked for by colour
first; then those are kept that lie together as the marks of one face do. What is not found so is missing, never
guessed. Lengths and areas of the constants are pixels of a frame whose shorter side is 64.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lia_bench.core.sample_marks import MARKS
from lia_bench.metrics.extractors.extractor import ExtractorSetting, ExtractorSpecification

if TYPE_CHECKING:
    from torch import Tensor

EXTRACTOR = ExtractorSpecification(
    name="sample-marks",
    summary="the coloured marks on the heads of the sample dataset, found by colour and layout",
    weights=(),
    shape=(len(MARKS), 2),
    build="lia_bench.metrics.extractors.sample_marks:SampleMarks",
)

NOMINAL_SIDE = 64.0
SMOOTHING = 0.6  # standard deviation

LEAST_COLOUR = 26.0  # distance from grey in the plane of blueness and redness, of 128
LEAST_PEAK = 34.0  # the same, at the strongest point of a mark
HUE_TOLERANCE = np.radians(17.0)
BRIGHTNESS_TOLERANCE = 85.0  # of 255
LEAST_AREA, MOST_AREA = 4.0, 48.0
MOST_ELONGATED = 3.2  # longer to shorter axis of a spot
SUMMIT_RADIUS = 2.3
LEAST_OF_SUMMIT = 0.85  # the rim of a mark, mixed with skin, has another mark's hue but less colour than its middle
MOST_CANDIDATES = 3

LAYOUT_TOLERANCE = 5.0  # room for expression and for a generator that puts a mark beside its place
LEAST_IN_LAYOUT = 4
HEAD_SIZES = (16.0, 18.5, 21.0, 24.0)  # half the height of the skull
YAWS, PITCHES, ROLLS = (-0.5, -0.25, 0.0, 0.25, 0.5), (-0.25, 0.0, 0.25), (-0.3, -0.15, 0.0, 0.15, 0.3)  # radians


class SampleMarks:
    """An `Extractor` of marks."""

    def __init__(self, setting: ExtractorSetting) -> None:
        """Works in every setting."""

    def __call__(self, frames: "Tensor") -> NDArray[np.float32]:
        """See `Extractor.__call__`: (B, N, 2) x, y in pixels."""
        pictures = frames.permute(0, 2, 3, 1).cpu().numpy()
        return np.stack([find_marks(picture) for picture in pictures]).astype(np.float32)


def find_marks(frame: np.ndarray) -> np.ndarray:
    """Positions of the marks in a frame of the sample dataset, real or generated.

    Args:
        frame: (H, W, 3) uint8 RGB, a prepared crop of any size or a picture generated from one.

    Returns:
        (N, 2) float64 x, y in pixels, the centre of the top left pixel at (0, 0), in the order of
        `lia_bench.core.sample_marks.MARKS`; a row of NaN for a mark that is not there.
    """
    from scipy import ndimage

    scale = min(frame.shape[:2]) / NOMINAL_SIDE
    values = ndimage.gaussian_filter(frame @ _TO_CHROMA.T, (SMOOTHING * scale, SMOOTHING * scale, 0))
    strength = np.hypot(values[..., 1], values[..., 2])
    kinds = _kinds(values, strength)
    summit = ndimage.maximum_filter(strength, footprint=_disc(SUMMIT_RADIUS * scale))
    spots = [_strongest_spots(np.where(kinds == number, strength, 0.0), summit, scale) for number in range(len(MARKS))]
    return _those_of_one_face(spots, scale)


def _kinds(values: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """(H, W) the mark whose colour a pixel has; -1 for none."""
    kinds = np.full(strength.shape, -1)
    coloured = strength > LEAST_COLOUR
    brightness, blueness, redness = values[coloured].T
    turned = np.abs((np.arctan2(redness, blueness)[:, None] - _HUES + np.pi) % (2 * np.pi) - np.pi)
    nearest = turned.argmin(1)
    alike = (turned.min(1) < HUE_TOLERANCE) & (np.abs(brightness - _BRIGHTNESS[nearest]) < BRIGHTNESS_TOLERANCE)
    kinds[coloured] = np.where(alike, nearest, -1)
    return kinds


def _strongest_spots(strength: np.ndarray, summit: np.ndarray, scale: float) -> list[tuple[float, float]]:
    """x, y of the compact spots, that with most colour in it first."""
    from scipy import ndimage

    labels, _ = ndimage.label(strength > LEAST_COLOUR)
    spots = []
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        weight = np.where(labels[window] == number, strength[window], 0.0)
        area = np.count_nonzero(weight) / scale**2
        peak = np.unravel_index(weight.argmax(), weight.shape)
        if not LEAST_AREA <= area <= MOST_AREA or weight[peak] < LEAST_PEAK:
            continue
        if weight[peak] < LEAST_OF_SUMMIT * summit[window][peak]:
            continue
        rows, columns = np.nonzero(weight)
        pull = weight[rows, columns] - LEAST_COLOUR
        y, x = np.average(rows, weights=pull), np.average(columns, weights=pull)
        spread = np.cov(np.stack([rows, columns]), aweights=pull, ddof=0) + np.eye(2) / 12
        short, long = np.sqrt(np.linalg.eigvalsh(spread))
        if long <= MOST_ELONGATED * short:
            spots.append((weight.sum(), window[1].start + x, window[0].start + y))
    spots.sort(reverse=True)
    return [(x, y) for _, x, y in spots[:MOST_CANDIDATES]]


def _those_of_one_face(candidates: list[list[tuple[float, float]]], scale: float) -> np.ndarray:
    """One spot a mark, of those that fit the pose of a head best; all missing when too few fit any."""
    places = np.full((len(MARKS), 2), np.nan)
    numbers = np.repeat(np.arange(len(MARKS)), [len(own) for own in candidates])
    present, first = np.unique(numbers, return_index=True)
    if len(present) < LEAST_IN_LAYOUT:
        return places
    spots = np.array([spot for own in candidates for spot in own])
    # A head is held against the picture in every pose, laid onto every spot in turn.
    expected = _LAYOUTS[:, numbers] * scale
    offset = spots - expected
    distance = np.linalg.norm(offset[:, None, :] - offset[:, :, None], axis=-1)  # pose, laid onto, spot
    misfit = np.minimum.reduceat(distance, first, axis=2) / (LAYOUT_TOLERANCE * scale)
    fit = np.clip(1 - misfit**2, 0, None).sum(-1)
    pose, laid_onto = np.unravel_index(fit.argmax(), fit.shape)
    if np.count_nonzero(misfit[pose, laid_onto] < 1) < LEAST_IN_LAYOUT:
        return places
    for number in present:
        own = np.flatnonzero(numbers == number)
        nearest = own[distance[pose, laid_onto, own].argmin()]
        if distance[pose, laid_onto, nearest] < LAYOUT_TOLERANCE * scale:
            places[number] = spots[nearest]
    return places


def _disc(radius: float) -> np.ndarray:
    reach = np.arange(-int(radius), int(radius) + 1)
    return np.asarray(np.hypot(reach[:, None], reach) <= radius)


def _layouts() -> np.ndarray:
    """(poses, N, 2) where the marks of an average face are in the picture, for every pose and size of head."""
    yaw, pitch, roll, size = (v.ravel()[:, None] for v in np.meshgrid(YAWS, PITCHES, ROLLS, HEAD_SIZES, indexing="ij"))
    x, y, z = np.array([mark.place for mark in MARKS]).T
    y, z = np.cos(pitch) * y + np.sin(pitch) * z, np.cos(pitch) * z - np.sin(pitch) * y
    x = np.cos(yaw) * x + np.sin(yaw) * z
    return np.asarray(
        size[..., None] * np.stack([np.cos(roll) * x - np.sin(roll) * y, np.sin(roll) * x + np.cos(roll) * y], -1)
    )


# BT.601, full range: brightness, blueness, redness.
_TO_CHROMA = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32
)
_BRIGHTNESS, _BLUENESS, _REDNESS = _TO_CHROMA @ np.array([mark.colour for mark in MARKS]).T
_HUES = np.arctan2(_REDNESS, _BLUENESS)
_LAYOUTS = _layouts()
