"""The surfaces a sample head is made of, at rest: skull with face, ears, hair pieces, neck and shoulders.

Head coordinates: x to the picture's right, y down, z towards the viewer; the crown is at y = -1, the chin at y = 1,
the eyes at y = 0 and the origin between the ears.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter

from lia_bench.preprocessing.recipes.sample.identities import Identity


class Material(IntEnum):
    """What a surface is made of."""

    FACE = 0
    EAR = 1
    NECK = 2
    HAIR = 3
    CLOTH = 4


@dataclass(frozen=True)
class Surface:
    """A grid of points.

    Attributes:
        points: (R, C, 3) head coordinates; row by row downwards, columns so that the outside is seen when
            columns run to the right.
        hairness: (R, C) above 0 where hair grows.
        strand: (R, C) the course of a hair: constant along it.
        two_sided: drawn from inside too.
    """

    points: np.ndarray
    material: Material
    hairness: np.ndarray
    strand: np.ndarray
    two_sided: bool = False


#        y     half width  front  back
SKULL = np.array(
    [
        [-1.00, 0.03, 0.03, 0.03],
        [-0.985, 0.18, 0.17, 0.19],
        [-0.94, 0.34, 0.32, 0.40],
        [-0.84, 0.54, 0.50, 0.64],
        [-0.66, 0.72, 0.64, 0.84],
        [-0.42, 0.835, 0.73, 0.95],
        [-0.15, 0.88, 0.765, 0.98],
        [0.10, 0.875, 0.755, 0.92],
        [0.35, 0.83, 0.75, 0.78],
        [0.55, 0.745, 0.745, 0.60],
        [0.72, 0.625, 0.735, 0.44],
        [0.86, 0.475, 0.715, 0.32],
        [0.95, 0.34, 0.655, 0.22],
        [0.99, 0.225, 0.55, 0.12],
        [1.00, 0.05, 0.32, 0.02],
    ]
)
CENTRE_DEPTH = -0.05
HEAD_ROWS, HEAD_COLUMNS = 62, 72

# Where the hair ends, as y at angles from the front (degrees): forehead, temple, ear, nape.
HAIRLINE_ANGLES = (0, 30, 48, 62, 74, 86, 100, 180)
HAIRLINES: dict[str, tuple[float, ...]] = {
    "short": (-0.64, -0.63, -0.52, -0.26, 0.02, -0.05, 0.42, 0.60),
    "parted": (-0.66, -0.62, -0.52, -0.28, 0.00, -0.05, 0.45, 0.62),
    "cropped": (-0.66, -0.66, -0.60, -0.34, -0.02, -0.10, 0.35, 0.50),
    "crest": (-0.66, -0.66, -0.62, -0.40, -0.10, -0.15, 0.30, 0.45),
    "curly": (-0.62, -0.60, -0.48, -0.20, 0.10, 0.15, 0.55, 0.70),
    "bob": (-0.66, -0.62, -0.46, -0.10, 0.30, 0.60, 0.80, 0.85),
    "long": (-0.68, -0.62, -0.46, -0.10, 0.35, 0.70, 0.85, 0.90),
    "bun": (-0.66, -0.64, -0.54, -0.30, -0.06, -0.10, 0.35, 0.50),
    "beanie": (-0.62, -0.61, -0.57, -0.50, -0.42, -0.32, -0.20, 0.05),
}
VOLUMES = {
    "short": 0.10, "parted": 0.13, "cropped": 0.035, "crest": 0.03, "curly": 0.20, "bob": 0.11, "long": 0.10,
    "bun": 0.06, "beanie": 0.10,
}  # fmt: skip


def build_head(identity: Identity) -> list[Surface]:
    """Face with hair, two ears, neck, and the hair pieces of the style."""
    surfaces = [_skull(identity), _ear(identity, -1.0), _ear(identity, 1.0), _neck()]
    if identity.hair_style in ("bob", "long"):
        surfaces.append(_curtain(identity, lowest=0.80 if identity.hair_style == "bob" else 1.65))
    if identity.hair_style == "bun":
        surfaces.append(_ball((0.0, -1.14, -0.28), 0.30 * identity.hair_volume))
    return surfaces


def _skull(identity: Identity) -> Surface:
    step = np.linspace(0.0, 1.0, HEAD_ROWS)
    # Even steps along the profile's own length, so that crown and chin are as smooth as the cheeks.
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(SKULL[:, 0]), np.diff(SKULL[:, 1])))])
    profile = PchipInterpolator(length / length[-1], SKULL)(step)
    y, half_width, front, back = (column[:, None] for column in profile.T)
    turn = np.linspace(-1.0, 1.0, HEAD_COLUMNS)[None]
    angle = np.pi * (0.72 * turn + 0.28 * turn**3)  # denser in front

    lower = np.clip(y / 0.9, 0.0, 1.0) ** 1.5
    half_width = half_width / 0.88 * identity.width * (1 + (identity.jaw - 1) * lower)
    depth = np.where(np.cos(angle) > 0, front, back)
    # A rounder box than an ellipse: cheeks and temples are flatter than a sphere's.
    x = half_width * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.92
    z = CENTRE_DEPTH + depth * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.86
    y = np.broadcast_to(y, x.shape).copy()
    z = z + _face_relief(identity, x, y) * (np.cos(angle) > 0)

    hairness = _hairness(identity, y, angle)
    points = np.stack([x, y, z], axis=-1)
    points += _hair_thickness(identity, hairness, points)[..., None] * _outwards(points)
    strand = np.broadcast_to(angle, x.shape)
    return Surface(points, Material.FACE, hairness, strand)


def _face_relief(identity: Identity, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far nose, brows, eye sockets, cheeks, lips and chin stand out of the smooth skull."""

    def hill(at_x: float, at_y: float, wide: float, high: float) -> np.ndarray:
        return np.asarray(np.exp(-(((x - at_x) / wide) ** 2) - ((y - at_y) / high) ** 2))

    rise = _smooth_step(-0.22, 0.30, y) ** 1.3 * (1 - _smooth_step(0.32, 0.43, y))
    nose_width = identity.nose_width * (0.075 + 0.065 * _smooth_step(0.0, 0.34, y))
    nose = identity.nose_length * rise * np.exp(-((np.abs(x) / nose_width) ** 2.4))
    wing, spacing = 0.105 * identity.nose_width, identity.eye_spacing
    wings = 0.05 * (hill(-wing, 0.33, 0.06, 0.06) + hill(wing, 0.33, 0.06, 0.06))
    sockets = -0.060 * (hill(-spacing, 0.0, 0.19, 0.11) + hill(spacing, 0.0, 0.19, 0.11))
    brow_ridge = 0.030 * (hill(-spacing, -0.2, 0.22, 0.08) + hill(spacing, -0.2, 0.22, 0.08))
    cheeks = 0.035 * (hill(-0.42, 0.24, 0.2, 0.16) + hill(0.42, 0.24, 0.2, 0.16))
    lips = 0.045 * hill(0.0, 0.57, 0.2, 0.10) - 0.02 * hill(0.0, 0.72, 0.2, 0.05)
    chin = 0.06 * identity.chin * hill(0.0, 0.87, 0.2, 0.11)
    return np.asarray(nose + wings + sockets + brow_ridge + cheeks + lips + chin)


def _hairness(identity: Identity, y: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Height above the hairline, in head units."""
    if identity.hair_style == "bald":
        return np.full(y.shape, -1.0)
    degrees = np.degrees(np.abs(angle))
    line = PchipInterpolator(HAIRLINE_ANGLES, HAIRLINES[identity.hair_style])(degrees)
    if identity.hair_style == "parted":
        line = line + 0.10 * np.sin(angle * 1.2) * (degrees < 75)
    return np.asarray(line - y)


def _hair_thickness(identity: Identity, hairness: np.ndarray, points: np.ndarray) -> np.ndarray:
    style = identity.hair_style
    if style == "bald":
        return np.zeros(hairness.shape)
    x, y = points[..., 0], points[..., 1]
    thickness = VOLUMES[style] * identity.hair_volume * _smooth_step(-0.02, 0.22, hairness)
    if style == "parted":
        thickness = thickness * (1 + 0.55 * np.sin(4.0 * (x - 0.1)) * (y < 0)) + 0.02 * (hairness > 0)
    if style == "short":
        thickness = thickness * (1 + 0.6 * np.clip(-y - 0.5, 0, 1))
    if style == "curly":
        noise = np.random.default_rng(identity.hair_seed).standard_normal(hairness.shape)
        lumps = gaussian_filter(noise, 1.6, mode="wrap")
        thickness = thickness * (1 + 0.315 * np.clip(lumps / lumps.std(), -1.5, 1.5))
    if style == "crest":
        ridge = np.exp(-((x / 0.17) ** 2)) * _smooth_step(0.0, 0.2, hairness)
        thickness = thickness + 0.30 * identity.hair_volume * ridge
    if style == "beanie":
        thickness = thickness + 0.045 * _smooth_step(0.0, 0.02, hairness) * (1 - _smooth_step(0.16, 0.20, hairness))
    return thickness


def _outwards(points: np.ndarray) -> np.ndarray:
    direction = points / np.array([0.8, 1.0, 0.95])
    return np.asarray(direction / np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-6))


def _ear(identity: Identity, side: float) -> Surface:
    along, around = np.meshgrid(np.linspace(0.05, np.pi - 0.05, 11), np.linspace(-np.pi, np.pi, 15), indexing="ij")
    across = np.sin(along) * np.sin(around)  # from the cheek backwards
    thick = 0.08 * np.sin(along) * np.cos(around)
    wide = 0.16 * across * (1.0 - 0.25 * np.cos(along))
    flare = 0.6
    x = identity.width * 0.97 + identity.ear_size * (thick * np.cos(flare) + (wide + 0.09) * np.sin(flare))
    z = -0.10 + identity.ear_size * (thick * np.sin(flare) - (wide + 0.05) * np.cos(flare))
    y = 0.10 - identity.ear_size * (0.25 * np.cos(along) - 0.04 * across)
    points = np.stack([x, y, z], axis=-1)
    if side < 0:
        points = points[:, ::-1] * (-1.0, 1.0, 1.0)
        across = across[:, ::-1]
    return Surface(points, Material.EAR, np.full(x.shape, -1.0), across)


def _neck() -> Surface:
    y, angle = np.meshgrid(np.linspace(0.45, 1.45, 12), np.linspace(-np.pi / 2, np.pi / 2, 18), indexing="ij")
    radius = 0.40 + 0.35 * np.clip(y - 1.15, 0, 1) ** 1.5
    points = np.stack([radius * np.sin(angle), y, -0.16 + 0.9 * radius * np.cos(angle)], axis=-1)
    return Surface(points, Material.NECK, np.full(y.shape, -1.0), angle)


def _curtain(identity: Identity, lowest: float) -> Surface:
    """Hair that hangs around the sides and the back; at the back it ends above the shoulders."""
    share, angle = np.meshgrid(np.linspace(0, 1, 18), np.linspace(np.pi * 0.38, np.pi * 1.62, 44), indexing="ij")
    end = np.minimum(lowest, 1.2 + 0.9 * np.clip(np.cos(angle) + 0.75, 0, 1))
    # Strands end at different heights.
    y = -0.55 + share * (end + 0.55) - 0.05 * np.abs(np.sin(angle * 9)) * share**3
    below = np.clip((y + 0.55) / 1.4, 0.0, 1.0)
    radius = (0.80 + 0.14 * np.sin(below * np.pi * 0.75)) * identity.width / 0.75 * (0.95 + 0.08 * identity.hair_volume)
    radius = radius - 0.12 * np.clip(y - 0.9, 0, 1) + 0.012 * np.sin(angle * 23)
    x = radius * np.sin(angle)
    z = CENTRE_DEPTH - 0.06 + 1.08 * radius * np.cos(angle) - 0.10 * below
    return Surface(np.stack([x, y, z], axis=-1), Material.HAIR, np.ones(y.shape), angle, two_sided=True)


def _ball(centre: tuple[float, float, float], radius: float) -> Surface:
    along, around = np.meshgrid(np.linspace(0.03, np.pi - 0.03, 15), np.linspace(-np.pi, np.pi, 24), indexing="ij")
    x = centre[0] + 1.1 * radius * np.sin(along) * np.sin(around)
    y = centre[1] - radius * np.cos(along)
    z = centre[2] + radius * np.sin(along) * np.cos(around)
    return Surface(np.stack([x, y, z], axis=-1), Material.HAIR, np.ones(x.shape), around)


def _smooth_step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t))
