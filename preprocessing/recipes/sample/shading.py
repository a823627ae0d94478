"""Colour and light on what a picture shows of a sample head."""

import numpy as np

from lia_bench.preprocessing.recipes.sample.anatomy import Material
from lia_bench.preprocessing.recipes.sample.expression import Expression
from lia_bench.preprocessing.recipes.sample.identities import Identity
from lia_bench.preprocessing.recipes.sample.painting import Canvas, paint_face, paint_hair, paint_marks

TOWARDS_VIEWER = np.array([0.0, 0.0, 1.0], dtype=np.float32)


def shade(
    values: np.ndarray, material: np.ndarray, identity: Identity, expression: Expression, marks: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The colours of the visible points of a head, and for every mark the numbers of the points that show it.

    Args:
        values: (8, P) head coordinates x, y, z; the normal's x, y, z in the picture; hairness and strand.
        material: (P,) numbers of Material.
        marks: (N, 3) head coordinates of the marks' centres.

    Returns:
        (4, P) float32 RGB in [0, 255] multiplied by opacity, and opacity in [0, 1].
    """
    x, y, z = values[:3]
    hairness, strand = values[6:]
    normal = values[3:6] / np.sqrt((values[3:6] ** 2).sum(0))
    inner = np.flatnonzero(normal[2] < 0)
    normal[:, inner] *= -1
    neck, face, ear = (np.flatnonzero(material == kind) for kind in (Material.NECK, Material.FACE, Material.EAR))

    canvas = Canvas(x, y, z, np.repeat(np.asarray(identity.skin, dtype=np.float32)[:, None], len(x), axis=1))
    # Below the chin and inside of hanging hair little light arrives.
    canvas.shade[neck] = 0.55 + 0.40 * np.clip((y[neck] - 0.95) / 0.5, 0, 1)
    canvas.shade[inner] *= 0.45
    hollow = np.exp(-(((y[ear] - 0.06) / 0.14) ** 2) - ((strand[ear] + 0.05) / 0.45) ** 2)
    canvas.cover(ear, np.asarray(identity.skin) * (0.66, 0.50, 0.47), 0.75 * hollow)
    front = Canvas(x[face], y[face], z[face], canvas.colour[:, face])
    paint_face(front, identity, expression)
    canvas.colour[:, face], canvas.gloss[face], canvas.shade[face] = front.colour, front.gloss, front.shade
    hair = np.flatnonzero(hairness > -0.03)
    paint_hair(canvas, identity, hair, hairness[hair], strand[hair])
    painted = paint_marks(canvas, marks)

    colour = np.empty((4, len(x)), dtype=np.float32)
    light, diffuse = _light(normal, canvas.shade, identity)
    gleam = _gleam(normal, canvas.gloss, np.flatnonzero(hairness > 0.02), identity)
    np.multiply(canvas.colour, light, out=colour[:3])
    colour[:3] += gleam
    # Light that enters skin comes out redder at the edge of the shadow.
    colour[0] += 0.05 * np.exp(-(((diffuse - 0.35) / 0.2) ** 2)) * canvas.colour[0]
    colour[3] = 1.0
    # The neck passes into the skin that the garment leaves open.
    colour[:, neck] *= np.clip((1.43 - y[neck]) / 0.12, 0, 1)
    for points in painted:
        # Marks are luminous paint: shading moves their colour little.
        colour[:3, points] = canvas.colour[:, points] * (0.86 + 0.14 * light[points])
    return colour, painted


def _light(normal: np.ndarray, shade: np.ndarray, identity: Identity) -> tuple[np.ndarray, np.ndarray]:
    """(P,) light that arrives from lamp and room, and the lamp's part of it."""
    lamp = np.asarray(identity.light, dtype=np.float32) @ normal
    diffuse = np.clip((lamp + 0.30) / 1.30, 0.0, 1.0)
    return shade * (0.48 - 0.08 * normal[1] + 0.62 * diffuse), diffuse


def _gleam(normal: np.ndarray, gloss: np.ndarray, hair: np.ndarray, identity: Identity) -> np.ndarray:
    """(P,) what is added where a surface mirrors the lamp; on hair, a ring around the crown."""
    half = np.asarray(identity.light, dtype=np.float32) + TOWARDS_VIEWER
    half /= np.linalg.norm(half)
    gleam = np.clip(half @ normal, 0.0, 1.0) ** 22 * gloss * 255
    if identity.hair_style != "beanie":
        gleam[hair] = 26 * np.exp(-(((normal[1, hair] + 0.55) / 0.22) ** 2)) * normal[2, hair]
    return np.asarray(gleam)
