"""One talking head in its place: pictures and true mark positions, frame by frame."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from lia_bench.core.sample_marks import MARK_RADIUS
from lia_bench.preprocessing.recipes.sample.anatomy import Material, Surface, build_head
from lia_bench.preprocessing.recipes.sample.backdrops import draw_backdrop
from lia_bench.preprocessing.recipes.sample.clothing import Garment
from lia_bench.preprocessing.recipes.sample.identities import Identity, random_generator
from lia_bench.preprocessing.recipes.sample.motion import Expression, Motion, mark_anchors
from lia_bench.preprocessing.recipes.sample.paint import Canvas, paint_face, paint_hair, paint_marks
from lia_bench.preprocessing.recipes.sample.rasteriser import facing, grid_faces, rasterise

WIDTH, HEIGHT = 640, 360
SUPERSAMPLING = 2
HEAD_PIXELS = 76.0  # half the height of the skull in the picture
REACH = (18.0, 8.0)  # how far the head travels to each side, in pixels
NECK_BASE = 1.45  # head units below the origin, where neck and shoulders meet
VISIBLE_SHARE = 0.5  # of a mark's full disc


@dataclass(frozen=True)
class Picture:
    """A frame with its truth.

    Attributes:
        frame: (360, 640, 3) uint8 RGB.
        marks: (N, 2) x, y in pixels of the frame, the centre of the top left pixel at (0, 0): the middle of what is
            seen of the mark, or where it would be when nothing is.
        visible: (N,) whether at least half of the mark's disc is seen.
        head: left, top, right, bottom of the skull with hair, in pixels.
    """

    frame: np.ndarray
    marks: np.ndarray
    visible: np.ndarray
    head: tuple[float, float, float, float]


class TalkingHead:
    """The renderer of clip number `index` of a seed."""

    def __init__(self, identity: Identity, seed: int, index: int) -> None:
        rng = random_generator(seed, index, "place")
        self._identity = identity
        self._place = np.array([rng.uniform(250, WIDTH - 250), rng.uniform(158, 172)])
        self._backdrop = draw_backdrop(identity, random_generator(seed, index, "backdrop"), HEIGHT, WIDTH)
        self._garment = Garment(identity, HEAD_PIXELS)
        self._surfaces = build_head(identity)
        self._relief = _front_of(self._surfaces[0])
        faces, materials, two_sided, first = [], [], [], 0
        for surface in self._surfaces:
            own = grid_faces(*surface.hairness.shape) + first
            faces.append(own)
            materials.append(np.full(len(own), surface.material))
            two_sided.append(np.full(len(own), surface.two_sided))
            first += surface.hairness.size
        self._faces = np.concatenate(faces)
        self._materials = np.concatenate(materials)
        self._two_sided = np.concatenate(two_sided)
        self._hair = np.concatenate(
            [np.stack([surface.hairness, surface.strand], axis=-1).reshape(-1, 2) for surface in self._surfaces]
        )

    def picture(self, motion: Motion, moment: int) -> Picture:
        """The frame number `moment` of `motion`."""
        expression = Expression.of(motion, moment)
        travel = np.array([motion.across[moment], motion.down[moment]]) * REACH
        scale = HEAD_PIXELS * float(motion.size[moment])
        turn = rotation(float(motion.yaw[moment]), float(motion.pitch[moment]), float(motion.roll[moment]))
        middle = self._place + travel
        # The shoulders follow the head at half its way; the neck bends between them.
        shoulders = self._place + 0.5 * travel + (0.0, NECK_BASE * HEAD_PIXELS)

        frame = self._garment.dress(self._backdrop, shoulders, 0.35 * float(motion.roll[moment]))
        resting = [_with_jaw(surface, expression.jaw) for surface in self._surfaces]
        placed = [
            _bend_to(shoulders, surface, points, points @ turn.T * scale + np.append(middle, 0.0))
            for surface, points in zip(self._surfaces, resting, strict=True)
        ]
        centres = self._mark_centres(expression)
        shown = self._draw(frame, resting, placed, expression, centres)

        full = np.pi * (MARK_RADIUS * scale) ** 2
        visible = np.array([len(points) / SUPERSAMPLING**2 > VISIBLE_SHARE * full for points in shown])
        expected = (centres @ turn.T * scale)[:, :2] + middle
        marks = [points.mean(0) if len(points) else place for points, place in zip(shown, expected, strict=True)]
        x, y = placed[0][..., 0], placed[0][..., 1]
        head = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
        np.clip(np.rint(frame, out=frame), 0, 255, out=frame)
        return Picture(frame.astype(np.uint8), np.array(marks) - 0.5, visible, head)

    def _mark_centres(self, expression: Expression) -> np.ndarray:
        """(N, 3) head coordinates of the marks on the moved face."""
        flat = mark_anchors(self._identity, expression)
        centres = np.column_stack([flat, self._relief(flat)])
        return np.asarray(centres + jaw_shift(centres, expression.jaw))

    def _draw(
        self,
        frame: np.ndarray,
        resting: list[np.ndarray],
        placed: list[np.ndarray],
        expression: Expression,
        centres: np.ndarray,
    ) -> list[np.ndarray]:
        """Draw the head over `frame`; gives for every mark the (P, 2) places in the frame that show it."""
        points = np.concatenate([grid.reshape(-1, 3) for grid in placed])
        left, top = np.maximum(np.floor(points[:, :2].min(0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(points[:, :2].max(0)).astype(int) + 1, (WIDTH, HEIGHT))
        height, width = (bottom - top) * SUPERSAMPLING, (right - left) * SUPERSAMPLING
        fine = ((points - (left, top, 0.0)) * SUPERSAMPLING).astype(np.float32)
        values = np.column_stack(
            [
                np.concatenate([grid.reshape(-1, 3) for grid in resting]),
                np.concatenate([_normals(grid).reshape(-1, 3) for grid in placed]),
                self._hair,
            ]
        ).astype(np.float32)
        drawn = np.flatnonzero(self._two_sided | (facing(fine, self._faces) > 0))
        seen = rasterise(fine, values, self._faces[drawn], height, width)
        material = self._materials[drawn][seen.faces]
        colour, painted = shade(seen.values, material, self._identity, expression, centres)

        layer = np.zeros((4, height * width), dtype=np.float32)
        layer[:, seen.pixels] = colour
        layer = layer.reshape(4, height, width)
        layer = 0.25 * (layer[:, 0::2, 0::2] + layer[:, 1::2, 0::2] + layer[:, 0::2, 1::2] + layer[:, 1::2, 1::2])
        window = frame[top:bottom, left:right]
        for channel in range(3):
            window[..., channel] += layer[channel] - layer[3] * window[..., channel]
        places = np.stack([seen.columns, seen.rows], axis=1) / SUPERSAMPLING + (left, top)
        return [places[points] for points in painted]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) turn of head coordinates: pitch, then yaw, then roll."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x)


def jaw_shift(points: np.ndarray, jaw: float) -> np.ndarray:
    """Where the open jaw moves points at rest, (..., 3): a small turn about the ears."""
    y, z = points[..., 1], points[..., 2]
    weight = np.clip((y - 0.56) / 0.16, 0, 1) * np.clip((z + 0.25) / 0.5, 0, 1)
    angle = 0.15 * jaw * weight
    return np.stack([np.zeros_like(y), (z + 0.1) * angle, -(y - 0.1) * 0.7 * angle], axis=-1)


def _with_jaw(surface: Surface, jaw: float) -> np.ndarray:
    if surface.material is not Material.FACE:
        return surface.points
    return np.asarray(surface.points + jaw_shift(surface.points, jaw))


def _bend_to(shoulders: np.ndarray, surface: Surface, rest: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """Neck and long hair follow the head above and the shoulders below."""
    if surface.material is Material.NECK:
        follow = np.clip((rest[..., 1:2] - 0.6) / 0.8, 0, 1)
    elif surface.material is Material.HAIR:
        follow = 0.7 * np.clip((rest[..., 1:2] - 0.7) / 1.0, 0, 1)
    else:
        return posed
    still = rest * HEAD_PIXELS + np.array([shoulders[0], shoulders[1] - NECK_BASE * HEAD_PIXELS, 0.0])
    follow = follow * follow * (3 - 2 * follow)
    return np.asarray((1 - follow) * posed + follow * still)


def _front_of(skull: Surface) -> LinearNDInterpolator:
    """The depth of the face at rest at (x, y)."""
    points = skull.points[skull.points[..., 2] > 0.1]
    return LinearNDInterpolator(points[:, :2], points[:, 2])


def _normals(points: np.ndarray) -> np.ndarray:
    """(R, C, 3) outward normals of a grid, not of unit length; depth towards the viewer."""
    down, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normal = np.cross(across, down)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9))


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
